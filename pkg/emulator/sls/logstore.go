package sls

import (
	"fmt"
	"math/big"
	"sync"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
)

// Logstore is one logstore. Its methods are the operator's side, for tests;
// they panic on a shard that does not exist or bytes that are no LogGroup.
type Logstore struct {
	opts *Options

	mu           sync.Mutex
	shards       []*shard
	groups       map[string]*consumerGroup
	next         int // round robin of writes
	onCheckpoint []func(CheckpointEvent)
	onPull       []func(PullEvent)
	refuse       func(CheckpointEvent) bool
	violations   []string
	index        map[string]any // as GetIndex answers it
	maxKey       int            // bytes; 0 is no limit
}

func newLogstore(o *Options, shards int) *Logstore {
	l := &Logstore{opts: o, maxKey: o.MaxKeyBytes, groups: map[string]*consumerGroup{}}
	bounds := make([]string, shards+1)
	for i := range bounds {
		bounds[i] = hexKey(new(big.Int).Div(new(big.Int).Mul(keySpace, big.NewInt(int64(i))), big.NewInt(int64(shards))))
	}
	for i := range shards {
		l.addShard(bounds[i], bounds[i+1], nil)
	}
	return l
}

// keySpace is 2^128 - 1: the last key, that no log has.
var keySpace = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))

func hexKey(n *big.Int) string { return fmt.Sprintf("%032x", n) }

func (l *Logstore) addShard(begin, end string, parents []int) *shard {
	id := 0
	for _, s := range l.shards {
		id = max(id, s.ID+1)
	}
	now := time.Now().Unix()
	s := &shard{
		ID: id, Status: "readwrite", BeginKey: begin, EndKey: end, CreateTime: now, parents: parents,
		// Numbers of the size the service uses, different in every shard.
		first: now*1_000_000_000 + int64(id)*1_000_003,
	}
	l.shards = append(l.shards, s)
	return s
}

func (l *Logstore) shard(id int) *shard {
	for _, s := range l.shards {
		if s.ID == id {
			return s
		}
	}
	return nil
}

func (l *Logstore) must(id int) *shard {
	s := l.shard(id)
	if s == nil {
		panic(fmt.Sprintf("sls emulator: no shard %d", id))
	}
	return s
}

// Append adds encoded LogGroups to a shard as if received now.
func (l *Logstore) Append(shard int, groups ...[]byte) { l.AppendAt(time.Now(), shard, groups...) }

// AppendAt adds encoded LogGroups as if received at t.
func (l *Logstore) AppendAt(t time.Time, shard int, groups ...[]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.must(shard)
	for _, raw := range groups {
		var g sdk.LogGroup
		if err := proto.Unmarshal(raw, &g); err != nil {
			panic(fmt.Sprintf("sls emulator: %v", err))
		}
		s.groups = append(s.groups, group{raw, len(g.Logs), t.Unix()})
	}
}

// Expire drops the n oldest groups of a shard, as retention does.
func (l *Logstore) Expire(shard, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.must(shard)
	s.groups = s.groups[n:]
	s.first += int64(n)
}

// RemoveShard drops a shard whose retention is over.
func (l *Logstore) RemoveShard(shard int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, s := range l.shards {
		if s.ID == shard {
			l.shards = append(l.shards[:i:i], l.shards[i+1:]...)
			return
		}
	}
}

// Created makes a shard as old as if it had come at t.
func (l *Logstore) Created(shard int, t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.must(shard).CreateTime = t.Unix()
}

// Range returns the cursor numbers of a shard: its oldest group and the one
// behind its newest.
func (l *Logstore) Range(shard int) (first, end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.must(shard)
	return s.first, s.end()
}

// ShardIDs returns every shard, and whether it is readonly.
func (l *Logstore) ShardIDs() (ids []int, readOnly map[int]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	readOnly = map[int]bool{}
	for _, s := range l.shards {
		ids = append(ids, s.ID)
		readOnly[s.ID] = s.Status == "readonly"
	}
	return ids, readOnly
}

// Groups returns the stored groups of a shard, oldest first.
func (l *Logstore) Groups(shard int) []*sdk.LogGroup {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*sdk.LogGroup
	for _, g := range l.must(shard).groups {
		var lg sdk.LogGroup
		if err := proto.Unmarshal(g.raw, &lg); err != nil {
			panic(fmt.Sprintf("sls emulator: %v", err))
		}
		out = append(out, &lg)
	}
	return out
}

// Violations lists what no correct set of consumers does: a checkpoint for a
// shard that another live consumer owns, or one that moves backwards.
func (l *Logstore) Violations() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.violations...)
}
