package sls

import (
	"context"
	"sync"
	"time"
)

// backlog bounds what was confirmed and that no checkpoint covers yet, over all
// shards: that is what comes again after a kill. Where checkpoints, or what
// has to be kept before them, hang or fail, nothing more is handed out.
type backlog struct {
	most   int64         // bytes
	oldest time.Duration // for how long a checkpoint may be due

	mu      sync.Mutex
	bytes   int64
	since   map[*tracker]time.Time // when a checkpoint became due
	smaller chan struct{}          // closed when there is less of it
}

func newBacklog(most int64, oldest time.Duration) *backlog {
	return &backlog{most: most, oldest: oldest, since: map[*tracker]time.Time{}, smaller: make(chan struct{})}
}

// wait waits until more may be handed out.
func (b *backlog) wait(ctx context.Context) error {
	for {
		b.mu.Lock()
		full, smaller := b.full(), b.smaller
		b.mu.Unlock()
		if !full {
			return nil
		}
		select {
		case <-smaller:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (b *backlog) full() bool {
	if b.bytes >= b.most {
		return true
	}
	for _, at := range b.since {
		if time.Since(at) > b.oldest {
			return true
		}
	}
	return false
}

// pressing tells whether to save sooner than usual.
func (b *backlog) pressing() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes >= b.most/2
}

func (b *backlog) add(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += bytes
}

// begin notes that a checkpoint of t is due from now on, if none was.
func (b *backlog) begin(t *tracker) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since[t].IsZero() {
		b.since[t] = time.Now()
	}
}

// end takes off what a checkpoint of t covers, or never will; more tells
// whether another one is due.
func (b *backlog) end(t *tracker, list []pendingPage, more bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range list {
		b.bytes -= p.size
	}
	delete(b.since, t)
	if more {
		b.since[t] = time.Now()
	}
	close(b.smaller)
	b.smaller = make(chan struct{})
}
