package sls

import (
	"fmt"
	"time"
)

// Snapshot is what a logstore holds and its consumer groups have saved, for a
// later emulator to go on from. Shards are those that the logstore was made with.
type Snapshot struct {
	Shards []ShardSnapshot `json:"shards"`
	Groups []GroupSnapshot `json:"consumer_groups"`
}

// ShardSnapshot is a shard from its first cursor on.
type ShardSnapshot struct {
	First  int64      `json:"first"`
	Groups []Received `json:"log_groups"`
}

// Received is an encoded LogGroup, as it was received.
type Received struct {
	Raw  []byte `json:"raw"`
	Unix int64  `json:"unix"`
}

// GroupSnapshot is a consumer group. Who held its shards is gone by then.
type GroupSnapshot struct {
	Name        string         `json:"name"`
	Timeout     int            `json:"timeout"`
	Order       bool           `json:"order"`
	Checkpoints map[int]string `json:"checkpoints"`
}

// Snapshot returns what the logstore holds.
func (l *Logstore) Snapshot() (s Snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, sh := range l.shards {
		one := ShardSnapshot{First: sh.first}
		for _, g := range sh.groups {
			one.Groups = append(one.Groups, Received{g.raw, g.received})
		}
		s.Shards = append(s.Shards, one)
	}
	for _, g := range l.groups {
		one := GroupSnapshot{Name: g.name, Timeout: g.timeout, Order: g.order, Checkpoints: map[int]string{}}
		for id, c := range g.checkpoints {
			one.Checkpoints[id] = c.Cursor
		}
		s.Groups = append(s.Groups, one)
	}
	return s
}

// Restore makes an empty logstore, with as many shards, hold what another did.
func (l *Logstore) Restore(s Snapshot) {
	l.mu.Lock()
	if len(l.shards) != len(s.Shards) {
		panic(fmt.Sprintf("sls emulator: a snapshot of %d shards for %d", len(s.Shards), len(l.shards)))
	}
	for i, one := range s.Shards {
		l.shards[i].first = one.First
	}
	for _, g := range s.Groups {
		restored := newConsumerGroup(g.Name, g.Timeout, g.Order)
		for id, cursor := range g.Checkpoints {
			restored.checkpoints[id] = &checkpoint{Shard: id, Cursor: cursor}
		}
		l.groups[g.Name] = restored
	}
	l.mu.Unlock()
	for i, one := range s.Shards {
		for _, g := range one.Groups {
			l.AppendAt(time.Unix(g.Unix, 0), i, g.Raw)
		}
	}
}
