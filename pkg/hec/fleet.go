package hec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// endpoint is one receiver.
type endpoint struct {
	index int
	url   string
	acks  *acker // with the channel, since acknowledgements are kept per channel

	// Guarded by fleet.mu.
	inflight int
	window   float64   // requests under way that it seems to bear
	cut      uint64    // turn at which window was last halved
	failed   uint64    // turn of the last failure
	fails    int       // failures in a row
	since    time.Time // when the first of these was
	until    time.Time
	asked    time.Time // until then by the receiver's own wish
	lastErr  error
}

// fleet picks who gets the next request: round robin over the endpoints that
// are neither on back-off nor at their window. A window grows by one for each
// window of successes and is halved when the receiver asks for less (AIMD).
type fleet struct {
	limit     int
	budget    int           // failures in a row, of every endpoint, that make an outage
	base, max time.Duration // of the back-off

	mu       sync.Mutex
	all      []*endpoint
	next     int
	inflight int
	turn     uint64        // counts requests: later turns began after earlier ones
	failures int           // counts them
	changed  chan struct{} // closed when someone may proceed
}

// grant is the right to send one request.
type grant struct {
	*endpoint
	turn uint64
}

// outage is the last error of an endpoint, where all have used up the budget.
type outage struct{ error }

func (o outage) Unwrap() error { return o.error }

// acquire waits for an endpoint that is not in tried. Between endpoints
// (failover) it returns false rather than wait for one on back-off. It gives up
// with an [outage] when all have used up the budget and the last failure came
// after the first since: otherwise many who wait would each find out for
// themselves, one probe after the other.
func (f *fleet) acquire(ctx context.Context, since int, tried uint64, failover bool) (grant, bool, error) {
	for {
		f.mu.Lock()
		if !failover && f.failures > since && f.down() {
			err := f.trouble()
			f.mu.Unlock()
			return grant{}, false, outage{err}
		}
		e, busy, wake := f.pick(tried)
		if e != nil {
			f.turn++
			f.inflight++
			e.inflight++
			g := grant{e, f.turn}
			f.mu.Unlock()
			return g, true, nil
		}
		changed := f.changed
		f.mu.Unlock()
		if failover && !busy {
			return grant{}, false, nil
		}
		if err := f.wait(ctx, changed, busy, wake); err != nil {
			return grant{}, false, err
		}
	}
}

// pick returns an endpoint, or whether one is only busy, or who ends its
// back-off first.
func (f *fleet) pick(tried uint64) (e *endpoint, busy bool, wake *endpoint) {
	now := time.Now()
	for i := range f.all {
		e := f.all[(f.next+i)%len(f.all)]
		if tried&(1<<e.index) != 0 {
			continue
		}
		window := int(e.window)
		if e.fails > 0 {
			window = 1 // one request finds out whether it is back
		}
		switch {
		case now.Before(e.until):
			if wake == nil || e.until.Before(wake.until) {
				wake = e
			}
		case e.inflight >= window || f.inflight >= f.limit:
			busy = true
		default:
			f.next = e.index + 1
			return e, false, nil
		}
	}
	return nil, busy, wake
}

func (f *fleet) wait(ctx context.Context, changed <-chan struct{}, busy bool, wake *endpoint) error {
	var timer <-chan time.Time
	if wake != nil {
		f.mu.Lock()
		until, asked, since, trouble := wake.until, wake.asked, wake.since, f.trouble()
		f.mu.Unlock()
		deadline, ok := ctx.Deadline()
		if !ok { // one that runs for ever must not fall silent
			deadline = time.Now().Add(retry.Longest)
		}
		if !busy && deadline.Before(until) {
			if deadline.Before(asked) {
				return outage{fmt.Errorf("%w (to be asked again in %v, which is beyond this run)", trouble, time.Until(asked).Round(time.Second))}
			}
			return retry.CutAgain(trouble, time.Since(since))
		}
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-changed:
	case <-timer:
	case <-ctx.Done():
		f.mu.Lock()
		defer f.mu.Unlock()
		return errors.Join(f.trouble(), context.Cause(ctx))
	}
	return nil
}

// resume ends back-offs, so that one request finds out how things are now.
func (f *fleet) resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.all {
		e.until, e.asked = time.Time{}, time.Time{}
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fleet) failed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failures
}

// down tells whether every endpoint has failed too often in a row.
func (f *fleet) down() bool {
	return !slices.ContainsFunc(f.all, func(e *endpoint) bool { return e.fails < f.budget })
}

// trouble is the first error that an endpoint has not recovered from.
func (f *fleet) trouble() error {
	for _, e := range f.all {
		if e.lastErr != nil {
			return e.lastErr
		}
	}
	return nil
}

// report is what a request says about its endpoint.
type report struct {
	alive bool // it answered as a receiver does
	grow  bool
	slow  bool // it asked for less
	err   error
	after time.Duration
}

func (f *fleet) release(g grant, r report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inflight--
	g.inflight--
	if r.slow && g.turn > g.cut {
		g.window = max(1, g.window/2)
		g.cut = f.turn // requests already under way tell of the same congestion
	}
	if r.grow {
		g.window = min(float64(f.limit), g.window+1/g.window)
	}
	switch now := time.Now(); {
	case r.err != nil:
		wait := r.after
		if g.turn > g.failed {
			g.failed = f.turn
			if g.fails++; g.fails == 1 {
				g.since = now
			}
			f.failures++
			wait = max(wait, min(f.max, f.base/2<<min(g.fails-1, 20)))
		}
		g.lastErr = r.err
		if until := now.Add(wait); until.After(g.until) {
			g.until = until
		}
		if asked := now.Add(r.after); r.after > 0 && asked.After(g.asked) {
			g.asked = asked
		}
	case r.alive && g.turn > g.failed:
		g.fails, g.until, g.asked, g.lastErr = 0, time.Time{}, time.Time{}, nil
	}
	close(f.changed)
	f.changed = make(chan struct{})
}
