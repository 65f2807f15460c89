package sls

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// CheckpointEvent is a checkpoint about to be stored.
type CheckpointEvent struct {
	Group, Consumer string
	Shard           int
	Cursor          string
	Number          int64 // the cursor's: every group below it is to be done with
}

// OnCheckpoint calls f before each checkpoint is stored, while nothing else
// happens in the logstore: f must not call it. This is the place to assert
// that no checkpoint is ahead of what the sink has accepted.
func (l *Logstore) OnCheckpoint(f func(CheckpointEvent)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onCheckpoint = append(l.onCheckpoint, f)
}

// RefuseCheckpoints has f decide which checkpoints are refused as those of
// another consumer, while the shard stays assigned; nil refuses none. That the
// service can contradict itself like this is inferred from the Go SDK, which
// takes ConsumerNotMatch for an order to let go (consumer/shard_worker.go).
func (l *Logstore) RefuseCheckpoints(f func(CheckpointEvent) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = f
}

// Checkpoint returns what a group has saved for a shard, "" if nothing.
func (l *Logstore) Checkpoint(group string, shard int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[group]; g != nil && g.checkpoints[shard] != nil {
		return g.checkpoints[shard].Cursor
	}
	return ""
}

// SavedBefore makes a group's checkpoints so much older.
func (l *Logstore) SavedBefore(group string, by time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, cp := range l.groups[group].checkpoints {
		cp.Updated -= by.Microseconds()
	}
}

// Owners returns which consumer holds each shard in a group.
func (l *Logstore) Owners(group string) map[int]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[group]; g != nil {
		g.expire(l)
		return maps.Clone(g.owner)
	}
	return nil
}

// Evict makes the service forget a consumer at once, as if its timeout had
// passed.
func (l *Logstore) Evict(group, consumer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[group]; g != nil {
		g.seen[consumer] = time.Time{}
		g.expire(l)
	}
}

func getCheckpoints(c *call) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	g, err := c.group()
	if err != nil {
		return err
	}
	// One entry for every shard that is or was held: the Python SDK wants one
	// also where nothing was saved yet.
	entries := map[int]checkpoint{}
	for id, owner := range g.owner {
		entries[id] = checkpoint{Shard: id, Consumer: owner}
	}
	for id, cp := range g.checkpoints {
		entries[id] = *cp
	}
	out := []checkpoint{}
	for _, id := range slices.Sorted(maps.Keys(entries)) {
		if want := c.get("shard"); want == "" || want == strconv.Itoa(id) {
			out = append(out, entries[id])
		}
	}
	return c.json(out)
}

func updateCheckpoint(c *call) error {
	var q struct {
		Shard  int    `json:"shard"`
		Cursor string `json:"checkpoint"`
	}
	if err := json.Unmarshal(c.body, &q); err != nil {
		return errf(400, "JsonInfoInvalid", "%v", err)
	}
	force, err := strconv.ParseBool(c.get("forceSuccess")) // Python sends True
	if err != nil {
		force = false
	}
	l := c.store
	l.mu.Lock()
	defer l.mu.Unlock()
	g, err := c.group()
	if err != nil {
		return err
	}
	s := l.shard(q.Shard)
	if s == nil {
		return errf(404, "ShardNotExist", "Shard %d does not exist", q.Shard)
	}
	n, ok := parseCursor(q.Cursor)
	if !ok || n > s.end() {
		return errf(400, "InvalidShardCheckPoint", "shard %d checkpoint %s is invalid", q.Shard, q.Cursor)
	}
	g.expire(l)
	name := c.get("consumer")
	owner := g.owner[q.Shard]
	if !force {
		if _, known := g.seen[name]; !known {
			return errf(404, "ConsumerNotExist", "consumer %s does not exist", name)
		}
		if owner != name {
			return errf(400, "ConsumerNotMatch", "shard %d is owned by %q", q.Shard, owner)
		}
	}
	event := CheckpointEvent{g.name, name, q.Shard, q.Cursor, n}
	if l.refuse != nil && l.refuse(event) {
		return errf(400, "ConsumerNotMatch", "shard %d is not owned by %q", q.Shard, name)
	}
	if owner != "" && owner != name {
		l.violations = append(l.violations, fmt.Sprintf("%s saved a checkpoint of shard %d, which %s holds", name, q.Shard, owner))
	}
	if old := g.checkpoints[q.Shard]; old != nil {
		if before, _ := parseCursor(old.Cursor); n < before {
			l.violations = append(l.violations, fmt.Sprintf("%s moved the checkpoint of shard %d back from %d to %d", name, q.Shard, before, n))
		}
	}
	for _, f := range l.onCheckpoint {
		f(event)
	}
	g.checkpoints[q.Shard] = &checkpoint{q.Shard, q.Cursor, time.Now().UnixMicro(), name}
	return nil
}
