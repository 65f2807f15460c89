package sls

import (
	"context"
	"sync"
)

// tracker knows up to where a shard is done: batches are confirmed in any
// order, the checkpoint follows only those with no gap before them.
type tracker struct {
	mu      sync.Mutex
	first   int // sequence number of pending[0]
	pending []pendingBatch
	open    int    // batches that were not answered yet
	safe    string // everything before this cursor is done
	err     error  // the first failure
	changed chan struct{}
	slots   chan struct{} // one for each batch under way
}

type pendingBatch struct {
	next string
	done bool
}

func newTracker(start string, maxPending int) *tracker {
	return &tracker{safe: start, changed: make(chan struct{}, 1), slots: make(chan struct{}, maxPending)}
}

// add waits for a slot and enters a batch that ends before the cursor next.
func (t *tracker) add(ctx context.Context, next string) (seq int, err error) {
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, pendingBatch{next: next})
	t.open++
	return t.first + len(t.pending) - 1, nil
}

// skip moves the cursor on over a stretch that holds nothing to do.
func (t *tracker) skip(next string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, pendingBatch{next: next, done: true})
	t.advance()
}

func (t *tracker) done(seq int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	<-t.slots
	t.open--
	if err == nil {
		t.pending[seq-t.first].done = true
	} else if t.err == nil {
		t.err = err
	}
	t.advance()
}

// fail ends the run for a reason other than a batch.
func (t *tracker) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	t.signal()
}

// advance is called with the lock held.
func (t *tracker) advance() {
	n := 0
	for n < len(t.pending) && t.pending[n].done {
		t.safe = t.pending[n].next
		n++
	}
	t.first += n
	t.pending = t.pending[n:]
	t.signal()
}

func (t *tracker) signal() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// state returns the cursor that may be saved, how many batches are under way,
// and the first failure.
func (t *tracker) state() (safe string, open int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.safe, t.open, t.err
}
