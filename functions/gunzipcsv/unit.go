package gunzipcsv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// unit is what is acknowledged or delivered again as a whole: a message, with
// the notices it holds.
type unit struct {
	id       string // of the message; its lease, where there is one
	attempts int
	notices  []trigger.Notice
}

// result is what became of a unit.
type result struct {
	unit
	err error // nil: all of it is settled for good
	// cut says that it was not to blame: the run's time was up.
	cut bool
	// tooLong says that it was: all of the run's time is too little for it.
	tooLong bool
	// begun says that there was time to begin it.
	begun bool
}

// do settles the notices of a unit, one after the other.
func (f *Function) do(ctx context.Context, r *run, u unit) result {
	res := result{unit: u, begun: true}
	for _, n := range u.notices {
		began := time.Now()
		if _, err := f.settle(ctx, r, n, false); err != nil {
			res.err = fmt.Errorf("%s: %w", n.Key, err)
			res.cut = ctx.Err() != nil || outcome.Late(ctx, err)
			if had, all := r.hadAll(ctx, began); res.cut && all && !r.Troubled(err) {
				res.cut, res.tooLong = false, true
				res.err = tooShort(n.Key, had, err)
			}
			break
		}
	}
	return res
}

// tooShort is the error of an object for which the time of a run is too little.
// That a context ended is in it as text alone: it is no excuse.
func tooShort(key string, had time.Duration, err error) error {
	return fmt.Errorf("%s: the %v that a run has for its work are too short for it: raise RUN_TIMEOUT, and the time that the platform gives a run: %s", key, had.Round(time.Millisecond), err.Error())
}

// hadAll tells whether what was begun at a time, and cut off by the end of the
// run's, had about as much of that as anything can have. It will not be done in
// another run either: called off as if it had only come late, it would be handed
// out again and again, by runs in good order, until the queue drops it.
func (r *run) hadAll(ctx context.Context, began time.Time) (time.Duration, bool) {
	deadline, ok := ctx.Deadline()
	if !ok || !errors.Is(context.Cause(ctx), outcome.ErrTimeUp) {
		return 0, false
	}
	had, whole := deadline.Sub(began), deadline.Sub(r.r.StartedAt)
	return had, had >= whole*9/10
}

// sent is when the oldest of u's notices was, zero if none says.
func (u unit) sent() (oldest time.Time) {
	for _, n := range u.notices {
		oldest = earliest(oldest, n.Time)
	}
	return oldest
}

// earliest and latest compare times, of which zero means that it is unknown.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// maxDelay bounds how long a message that failed is held back.
const maxDelay = time.Hour

// delay is how long to hold back a message before it is delivered again: twice
// as long after each attempt, and not all at the same moment.
func (f *Function) delay(res result) time.Duration {
	if res.cut {
		return 0
	}
	d := f.cfg.CFRetryDelay << min(max(res.attempts-1, 0), 12)
	if d = min(d, maxDelay); d <= 0 {
		return 0
	}
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter
}

// late tells whether there is too little time left to begin another object, as
// far as the run knows: it would be cut off, and its attempt counted.
func (r *run) late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	longest, _ := r.estimate()
	return ctx.Err() != nil || ok && time.Until(deadline) < longest
}

// failures sums up what was left undone, in one error that stays readable.
type failures struct {
	n     int
	first []error
}

func (f *failures) add(err error) {
	f.n++
	if len(f.first) < 3 {
		f.first = append(f.first, err)
	}
}

func (f *failures) err() error {
	if f.n == 0 {
		return nil
	}
	err := fmt.Errorf("%d failed for now and will be delivered again; the first: %w", f.n, f.first[0])
	for _, more := range f.first[1:] {
		err = fmt.Errorf("%w; %w", err, more)
	}
	return err
}
