// Package outcome decides how a run ended, in one place for all functions.
//
//	done     nothing is left
//	partial  time was up, nothing was failing, something was done and more remains
//	failed   something it needs failed it, or its own configuration did
//
// The difference is what an operator is woken for, and it cannot be read off an
// error: whatever was being retried when the time was up ends with "context
// deadline exceeded". So a [Run] also asks its [watch.Watch].
package outcome

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// Run is one run from its beginning to its end: the time it has, and a watch
// over what it needs.
type Run struct {
	ctx    context.Context
	cancel context.CancelFunc
	parent context.Context
	watch  *watch.Watch
	calls  *retry.Calls
	budget time.Duration // zero: as long as parent
	grace  time.Duration
	until  time.Time // the budget's end; zero without one
}

// ErrTimeUp is why a run's context ends when its time is up.
var ErrTimeUp = errors.New("the run's time is up")

// Grace is what is kept of a run's time, unless it says otherwise, to commit
// what is under way and to speak its last words. Lateness is how far beyond its
// time a run may still speak them.
const (
	Grace    = 6 * time.Second
	lateness = time.Second
)

// Begin begins a run that may take budget, or less where ctx has a deadline;
// zero means as long as ctx. Of that grace is kept for its last words, and
// never more than a quarter; zero means [Grace].
// [Run.Cancel] frees what it holds.
func Begin(ctx context.Context, budget, grace time.Duration) *Run {
	now := time.Now()
	if deadline, ok := ctx.Deadline(); ok && (budget <= 0 || deadline.Before(now.Add(budget))) {
		budget = deadline.Sub(now)
	}
	if grace == 0 {
		grace = Grace
	}
	r := &Run{parent: ctx, budget: budget, grace: grace}
	if budget > 0 {
		r.grace = min(grace, budget/4)
		r.until = now.Add(budget)
		ctx, r.cancel = context.WithDeadlineCause(ctx, r.until.Add(-r.grace), fmt.Errorf("%w (RUN_TIMEOUT is %v)", ErrTimeUp, budget))
	} else {
		ctx, r.cancel = context.WithCancel(ctx)
	}
	r.watch, ctx = watch.New(ctx)
	ctx, r.calls = retry.Watched(ctx)
	r.ctx = context.WithValue(ctx, key{}, r)
	return r
}

type key struct{}

// Cancel ends the work's context.
func (r *Run) Cancel() { r.cancel() }

// Context is for the work. It ends when there is only time left for last
// words, or when the process is to stop, and carries the run's watch.
func (r *Run) Context() context.Context { return r.ctx }

// LastWords returns a context for what has to be made durable once the work is
// over, whatever ended it. It has the run's whole time, and never ends later
// than a second beyond; where the process is told to stop, or the run's time
// is not bounded, it has the grace from now on.
func (r *Run) LastWords() (context.Context, context.CancelFunc) {
	ctx := context.WithoutCancel(r.ctx)
	if r.until.IsZero() {
		return context.WithTimeoutCause(ctx, r.grace, ErrTimeUp)
	}
	return r.Bound(ctx)
}

// Bound returns a context that ends with ctx, and no later than the run's last
// words do.
func (r *Run) Bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.until.IsZero() {
		return context.WithCancel(ctx)
	}
	end := r.until.Add(lateness)
	if soon := time.Now().Add(r.grace); r.stopped() && soon.Before(end) {
		end = soon
	}
	return context.WithDeadlineCause(ctx, end, ErrTimeUp)
}

// LastWords is [Run.LastWords] of the run that ctx belongs to. Without one it
// has [Grace] from now on.
func LastWords(ctx context.Context) (context.Context, context.CancelFunc) {
	if r, ok := ctx.Value(key{}).(*Run); ok {
		return r.LastWords()
	}
	return context.WithTimeout(context.WithoutCancel(ctx), Grace)
}

// stopped tells whether it was not the time that ended the run.
func (r *Run) stopped() bool {
	return errors.Is(r.parent.Err(), context.Canceled)
}
