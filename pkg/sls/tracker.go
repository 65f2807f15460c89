package sls

import (
	"context"
	"errors"
	"sync"
)

// tracker knows up to where a shard is done: pages are confirmed in any
// order, the checkpoint follows only those with no gap before them. It keeps
// the note of each until a checkpoint covers it.
type tracker struct {
	mu      sync.Mutex
	first   int // sequence number of pending[0]
	pending []pendingPage
	open    int    // pages that were not answered yet
	safe    string // everything before this cursor is done
	covered []pendingPage
	left    bool  // a page was left for another run
	err     error // the first failure
	changed chan struct{}
	slots   chan struct{} // one for each page under way
	backlog *backlog
	late    func(notes []any) // set at the end: hears what is confirmed after it
}

type pendingPage struct {
	next string
	size int64
	note any
	done bool
}

func newTracker(start string, maxPending int, b *backlog) *tracker {
	return &tracker{safe: start, changed: make(chan struct{}, 1), slots: make(chan struct{}, maxPending), backlog: b}
}

// add waits for a slot and enters a page of size bytes that ends before the
// cursor next.
func (t *tracker) add(ctx context.Context, next string, size int64) (seq int, err error) {
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, pendingPage{next: next, size: size})
	t.open++
	return t.first + len(t.pending) - 1, nil
}

// skip moves the cursor on over a stretch that holds nothing to do.
func (t *tracker) skip(next string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, pendingPage{next: next, done: true})
	t.advance()
}

func (t *tracker) done(seq int, note any, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	<-t.slots
	t.open--
	switch {
	case err == nil && t.late != nil:
		t.late([]any{note})
	case err == nil:
		p := &t.pending[seq-t.first]
		p.note, p.done = note, true
		t.backlog.add(p.size)
	case errors.Is(err, ErrLeft):
		t.left = true
	case t.err == nil:
		t.err = err
	}
	t.advance()
}

// fail ends the run for a reason other than a page.
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
	if n > 0 {
		t.backlog.begin(t)
	}
	t.first += n
	t.covered = append(t.covered, t.pending[:n]...)
	t.pending = t.pending[n:]
	t.signal()
}

func (t *tracker) signal() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// progress is what a tracker knows at one moment.
type progress struct {
	safe  string // may be saved
	notes []any  // of what lies before it, and behind the last checkpoint
	count int    // of pages there
	open  int    // pages under way
	left  bool
	err   error // the first failure
}

func (t *tracker) state() progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return progress{safe: t.safe, notes: notes(t.covered), count: len(t.covered), open: t.open, left: t.left, err: t.err}
}

// saved forgets the first n pages that a checkpoint now covers.
func (t *tracker) saved(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.backlog.end(t, t.covered[:n], len(t.covered) > n)
	t.covered = append([]pendingPage(nil), t.covered[n:]...)
}

// end gives late the notes of what was confirmed and that no checkpoint covers,
// now and from now on.
func (t *tracker) end(late func(notes []any)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := t.covered
	for _, p := range t.pending {
		if p.done {
			rest = append(rest, p)
		}
	}
	t.backlog.end(t, rest, false)
	t.covered, t.late = nil, late
	if list := notes(rest); len(list) > 0 {
		late(list)
	}
}

func notes(list []pendingPage) (out []any) {
	for _, p := range list {
		if p.note != nil {
			out = append(out, p.note)
		}
	}
	return out
}
