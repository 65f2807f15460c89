package consume

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Timing knows how long sends take, so that none is begun whose end the run
// does not see: its records would be delivered, and delivered again by the next.
type Timing struct {
	grace time.Duration // of a stop: what is under way may use it
	last  time.Duration // what the last send took, in an earlier run at first

	mu      sync.Mutex
	end     time.Time // of sends; zero while the run has no end
	started bool      // whether anything was sent in this run
	over    bool      // whether a send was refused
	begun   map[*Send]bool

	waiting context.Context
	stop    context.CancelCauseFunc // of waiting
}

// Send is a send under way.
type Send struct {
	t     *Timing
	begun time.Time
}

// newTiming is for a run that stop tells to end, and that has grace from then on.
func newTiming(stop context.Context, grace, last time.Duration) *Timing {
	t := &Timing{grace: grace, last: last, begun: map[*Send]bool{}}
	t.waiting, t.stop = context.WithCancelCause(context.Background())
	if at, ok := stop.Deadline(); ok {
		t.end = t.endsAfter(at)
	}
	context.AfterFunc(stop, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if end := t.endsAfter(time.Now()); t.end.IsZero() || end.Before(t.end) {
			t.end = end
		}
		time.AfterFunc(time.Until(t.end)-t.takes(), func() { t.stop(sls.ErrLeft) })
	})
	return t
}

// Waiting ends, with [sls.ErrLeft] as its cause, once the run is to stop and there
// is no time for what is not being sent by then: records that wait for something
// before they can be sent are left.
func (t *Timing) Waiting() context.Context { return t.waiting }

// endsAfter leaves a quarter of the grace to checkpoints.
func (t *Timing) endsAfter(stop time.Time) time.Time { return stop.Add(t.grace * 3 / 4) }

// Begin begins a send of records of pages, or returns nil where there is no time
// for it: the pages are then left, see [sls.ErrLeft]. The first of a run is
// always sent, so that each run gets further; so is what has to be, since other
// records of its pages were.
func (t *Timing) Begin(pages iter.Seq[*Page]) *Send {
	t.mu.Lock()
	defer t.mu.Unlock()
	must := false
	for p := range pages {
		must = must || p.sent
	}
	if t.started && !t.end.IsZero() && time.Now().Add(t.takes()).After(t.end) {
		t.over = true
	}
	if t.over && !must {
		return nil // what comes after records that were left is left too
	}
	s := &Send{t, time.Now()}
	t.started, t.begun[s] = true, true
	for p := range pages {
		p.sent = true
	}
	return s
}

// takes is how long a send is expected to take: as long as the last, and longer
// than those that are under way have taken so far.
func (t *Timing) takes() time.Duration {
	d := t.last
	for s := range t.begun {
		d = max(d, time.Since(s.begun)*3/2)
	}
	return d
}

// End ends a send. Its time counts if it was delivered.
func (s *Send) End(delivered bool) {
	s.t.mu.Lock()
	defer s.t.mu.Unlock()
	if delivered {
		s.t.last = time.Since(s.begun)
	}
	delete(s.t.begun, s)
}

// close ends what Waiting began.
func (t *Timing) close() { t.stop(context.Canceled) }

// lasted is how long the last send took.
func (t *Timing) lasted() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}
