package slshec

import (
	"context"
	"sync"
	"time"
)

// timing knows how long sends take, so that none is begun whose end the run
// does not see: those events would be delivered, and delivered again by the next.
type timing struct {
	grace time.Duration // of a stop: what is under way may use it
	last  time.Duration // what the last send took, in an earlier run at first

	mu      sync.Mutex
	end     time.Time // of sends; zero while the run has no end
	started bool      // whether anything was sent in this run
	over    bool      // whether a send was refused
	begun   map[*flight]time.Time
}

// newTiming is for a run that stop tells to end, and that has grace from then on.
func newTiming(stop context.Context, grace, last time.Duration) *timing {
	t := &timing{grace: grace, last: last, begun: map[*flight]time.Time{}}
	if at, ok := stop.Deadline(); ok {
		t.end = t.endsAfter(at)
	}
	context.AfterFunc(stop, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if end := t.endsAfter(time.Now()); t.end.IsZero() || end.Before(t.end) {
			t.end = end
		}
	})
	return t
}

// endsAfter leaves a quarter of the grace to checkpoints.
func (t *timing) endsAfter(stop time.Time) time.Time { return stop.Add(t.grace * 3 / 4) }

// begin tells whether there is time for a send, and begins it if so. The first
// of a run is always sent, so that each run gets further; so is what has to be,
// since other events of its pages were.
func (t *timing) begin(f *flight, must bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.started && !t.end.IsZero() && time.Now().Add(t.takes()).After(t.end) {
		t.over = true
	}
	if t.over && !must {
		return false // what comes after events that were left is left too
	}
	t.started, t.begun[f] = true, time.Now()
	return true
}

// takes is how long a send is expected to take: as long as the last, and longer
// than those that are under way have taken so far.
func (t *timing) takes() time.Duration {
	d := t.last
	for _, at := range t.begun {
		d = max(d, time.Since(at)*3/2)
	}
	return d
}

// done ends a send. Its time counts if it was delivered.
func (t *timing) done(f *flight, delivered bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if delivered {
		t.last = time.Since(t.begun[f])
	}
	delete(t.begun, f)
}

// lasted is how long the last send took.
func (t *timing) lasted() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}
