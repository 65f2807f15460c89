package sls

import (
	"math/big"
	"regexp"
)

// Split divides a shard in the middle of its keys, as its owner may at any
// time, and returns the two new shards.
func (l *Logstore) Split(id int) (left, right int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.must(id)
	out, err := l.split(s, s.middle())
	if err != nil {
		return 0, 0, err
	}
	return out[1].ID, out[2].ID, nil
}

// Merge joins a shard with the one that follows it by key, and returns the new
// shard.
func (l *Logstore) Merge(id int) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out, err := l.merge(l.must(id))
	if err != nil {
		return 0, err
	}
	return out[0].ID, nil
}

func (s *shard) middle() string {
	a, _ := new(big.Int).SetString(s.BeginKey, 16)
	b, _ := new(big.Int).SetString(s.EndKey, 16)
	return hexKey(a.Add(a, b).Rsh(a, 1))
}

func (l *Logstore) split(s *shard, key string) ([]*shard, error) {
	if s.Status != "readwrite" {
		return nil, errf(400, "ParameterInvalid", "Shard %d is not in readwrite status", s.ID)
	}
	if key <= s.BeginKey || key >= s.EndKey {
		return nil, errf(400, "ParameterInvalid", "invalid splitting key")
	}
	s.Status = "readonly"
	return []*shard{s, l.addShard(s.BeginKey, key, []int{s.ID}), l.addShard(key, s.EndKey, []int{s.ID})}, nil
}

func (l *Logstore) merge(s *shard) ([]*shard, error) {
	for _, o := range l.shards {
		if s.Status == "readwrite" && o.Status == "readwrite" && o.BeginKey == s.EndKey {
			s.Status, o.Status = "readonly", "readonly"
			return []*shard{l.addShard(s.BeginKey, o.EndKey, []int{s.ID, o.ID}), s, o}, nil
		}
	}
	return nil, errf(400, "ParameterInvalid", "Shard %d cannot be merged with a following one", s.ID)
}

var hexKeyForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

func splitShard(c *call) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	s, err := c.shardOf()
	if err != nil {
		return err
	}
	key := c.get("key")
	if key == "" {
		key = s.middle()
	}
	if !hexKeyForm.MatchString(key) {
		return errf(400, "ParameterInvalid", "invalid splitting key")
	}
	out, err := c.store.split(s, key)
	if err != nil {
		return err
	}
	return c.json(out)
}

func mergeShards(c *call) error {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	s, err := c.shardOf()
	if err != nil {
		return err
	}
	out, err := c.store.merge(s)
	if err != nil {
		return err
	}
	return c.json(out)
}
