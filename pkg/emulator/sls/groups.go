package sls

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// maxGroups is how many consumer groups a logstore may have.
const maxGroups = 30

type consumerGroup struct {
	name        string
	timeout     int
	order       bool
	seen        map[string]time.Time // last heartbeat of each live consumer
	owner       map[int]string       // shard → consumer that holds it
	checkpoints map[int]*checkpoint
}

type checkpoint struct {
	Shard    int    `json:"shard"`
	Cursor   string `json:"checkpoint"`
	Updated  int64  `json:"updateTime"`
	Consumer string `json:"consumer"`
}

func listGroups(c *call) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	out := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(c.store.groups)) {
		g := c.store.groups[name]
		out = append(out, map[string]any{"name": g.name, "timeout": g.timeout, "order": g.order})
	}
	return c.json(out)
}

func createGroup(c *call) error {
	var q struct {
		Name    string `json:"consumerGroup"`
		Timeout int    `json:"timeout"`
		Order   bool   `json:"order"`
	}
	if err := json.Unmarshal(c.body, &q); err != nil || q.Name == "" || q.Timeout <= 0 {
		return errf(400, "JsonInfoInvalid", "consumerGroup or timeout is invalid")
	}
	c.server.naming.Lock() // before any logstore's
	defer c.server.naming.Unlock()
	taken := c.taken(q.Name)
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	if taken || c.store.groups[q.Name] != nil {
		return errf(400, "ConsumerGroupAlreadyExist", "consumer group %s already exist", q.Name)
	}
	if len(c.store.groups) >= maxGroups {
		return errf(400, "ConsumerGroupQuotaExceed", "consumer group count exceeds %d", maxGroups)
	}
	c.store.groups[q.Name] = newConsumerGroup(q.Name, q.Timeout, q.Order)
	return nil
}

func newConsumerGroup(name string, timeout int, order bool) *consumerGroup {
	return &consumerGroup{
		name: name, timeout: timeout, order: order,
		seen: map[string]time.Time{}, owner: map[int]string{}, checkpoints: map[int]*checkpoint{},
	}
}

// taken tells whether another logstore of the project has a group of that name.
func (c *call) taken(name string) bool {
	if c.store.opts.GroupsPerLogstore {
		return false
	}
	for _, l := range c.siblings() {
		l.mu.Lock()
		has := l.groups[name] != nil
		l.mu.Unlock()
		if has {
			return true
		}
	}
	return false
}

// siblings lists the other logstores of the project.
func (c *call) siblings() (out []*Logstore) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	for _, l := range c.server.stores[c.project] {
		if l != c.store {
			out = append(out, l)
		}
	}
	return out
}

// group finds the group in the path. The caller holds the lock.
func (c *call) group() (*consumerGroup, error) {
	if g := c.store.groups[c.path[1]]; g != nil {
		return g, nil
	}
	return nil, errf(404, "ConsumerGroupNotExist", "consumer group %s does not exist", c.path[1])
}

func updateGroup(c *call) error {
	var q struct {
		Timeout *int
		Order   *bool
	}
	if err := json.Unmarshal(c.body, &q); err != nil || q.Timeout != nil && *q.Timeout <= 0 {
		return errf(400, "JsonInfoInvalid", "timeout or order is invalid")
	}
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	g, err := c.group()
	if err != nil {
		return err
	}
	if q.Timeout != nil {
		g.timeout = *q.Timeout
	}
	if q.Order != nil {
		g.order = *q.Order
	}
	return nil
}

func deleteGroup(c *call) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	g, err := c.group()
	if err == nil {
		delete(c.store.groups, g.name)
	}
	return err
}

// heartbeat renews a consumer's lease, takes back what it no longer reports
// and answers with what it is to hold. A shard that is to move away is left
// out of the answer but stays with its consumer until that stops reporting it.
func heartbeat(c *call) error {
	var held []int
	if err := json.Unmarshal(c.body, &held); err != nil {
		return errf(400, "JsonInfoInvalid", "want an array of shards")
	}
	name := c.get("consumer")
	if name == "" {
		return errf(400, "ParameterInvalid", "Parameter consumer is empty")
	}
	l := c.store
	l.mu.Lock()
	defer l.mu.Unlock()
	g, err := c.group()
	if err != nil {
		return err
	}
	g.expire(l)
	if _, known := g.seen[name]; !known && len(held) > 0 {
		return errf(400, "NotExistConsumerWithBody", "consumer %s does not exist but reports shards", name)
	}
	g.seen[name] = time.Now()
	for id, owner := range g.owner {
		if owner == name && !slices.Contains(held, id) {
			delete(g.owner, id)
		}
	}
	out := g.assign(l, name)
	for _, id := range out {
		// From this answer on, not from the report that confirms it: else the
		// shard could be granted twice in between.
		g.owner[id] = name
	}
	return c.json(out)
}

// expire forgets consumers that were silent too long, and with them what they
// held.
func (g *consumerGroup) expire(l *Logstore) {
	for name, at := range g.seen {
		if time.Since(at) > time.Duration(g.timeout)*time.Second {
			delete(g.seen, name)
			for id, owner := range g.owner {
				if owner == name {
					delete(g.owner, id)
				}
			}
		}
	}
	for id := range g.owner {
		if l.shard(id) == nil {
			delete(g.owner, id)
		}
	}
}

// TimeOut lets the timeout of a consumer group pass: whoever is in it is forgotten,
// as if silent for so long, and comes back with the next heartbeat.
func (l *Logstore) TimeOut(group string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[group]; g != nil {
		clear(g.seen)
		clear(g.owner)
	}
}

// assign shares the shards evenly. Who holds more keeps the larger share, so
// that nothing moves without need.
func (g *consumerGroup) assign(l *Logstore, name string) []int {
	owned := map[string][]int{}
	var free []int
	total := 0
	for _, s := range l.shards {
		if owner := g.owner[s.ID]; owner != "" {
			owned[owner] = append(owned[owner], s.ID)
		} else if g.handsOut(l, s) {
			free = append(free, s.ID)
		} else {
			continue
		}
		total++
	}
	names := slices.SortedFunc(maps.Keys(g.seen), func(a, b string) int {
		if d := len(owned[b]) - len(owned[a]); d != 0 {
			return d
		}
		if a < b {
			return -1
		}
		return 1
	})
	share := total / len(names)
	if slices.Index(names, name) < total%len(names) {
		share++
	}
	out := append([]int{}, owned[name]...)
	if len(out) > share {
		return out[:share]
	}
	for len(out) < share && len(free) > 0 {
		out, free = append(out, free[0]), free[1:]
	}
	slices.Sort(out)
	return out
}

// handsOut tells whether a shard may be consumed yet: in order, not before
// its parents are read to their ends.
func (g *consumerGroup) handsOut(l *Logstore, s *shard) bool {
	if !g.order {
		return true
	}
	for _, id := range s.parents {
		p := l.shard(id)
		if p == nil {
			continue // expired
		}
		var n int64
		if cp := g.checkpoints[id]; cp != nil {
			n, _ = parseCursor(cp.Cursor)
		}
		if n < p.end() {
			return false
		}
	}
	return true
}
