package outcome

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// End checks the balance of the run's receipt, settles its status and keeps it
// in state. did tells whether the run got anything done; err is what
// the work was left with. It returns nil, or why the run failed.
//
// An error that only says that the time was up does not make a run fail; that
// something it needs did not answer then does, and so does having done nothing.
func (r *Run) End(state *bucket.Bucket, rec receipt.Receipt, did bool, err error) error {
	core := rec.Base()
	err = errors.Join(err, rec.Balance())
	out := r.decide(core, did, err)
	core.Finish(out)
	var newer *format.NewerError
	if errors.As(out.Err, &newer) {
		return out.Err // the state takes nothing from this release
	}
	last, cancel := r.LastWords()
	defer cancel()
	if saveErr := receipt.Save(last, state, rec); saveErr != nil {
		err := errors.Join(out.Err, fmt.Errorf("STATE_URL: %w", saveErr))
		out = r.failed(code(err), err)
		core.Finish(out)
	}
	return out.Err
}

// Decide settles the status of a receipt that is not worth keeping.
func (r *Run) Decide(rec receipt.Receipt, did bool, err error) error {
	out := r.decide(rec.Base(), did, err)
	rec.Base().Finish(out)
	return out.Err
}

func (r *Run) decide(core *receipt.Core, did bool, err error) receipt.Outcome {
	faults, late := part(r.ctx, err)
	if len(faults) > 0 {
		err := errors.Join(faults...)
		return r.failed(code(err), err)
	}
	if core.Status == receipt.Busy {
		return receipt.Outcome{Status: receipt.Busy}
	}
	over := r.ctx.Err() != nil
	if len(late) == 0 && len(core.Remaining) == 0 {
		return r.well(receipt.OK)
	}
	if failing := r.failing(late); len(failing) > 0 {
		return r.failed(receipt.Unavailable, fmt.Errorf("%w while something it needs kept failing: %s", r.ended(), strings.Join(failing, "; ")))
	}
	if over && !did && !r.stopped() {
		return r.failed(receipt.TimedOut, fmt.Errorf("%w before anything was done: raise RUN_TIMEOUT", r.ended()))
	}
	if len(core.Remaining) == 0 {
		core.Remaining = []string{r.ended().Error()}
	}
	return r.well(receipt.Partial)
}

// well is the outcome of a run that did not fail. It tells all the same what
// was being retried.
func (r *Run) well(s receipt.Status) receipt.Outcome {
	out := receipt.Outcome{Status: s}
	if t, ok := r.watch.Last(); ok {
		out.Trouble = t.String()
	}
	return out
}

// failed is the outcome of a run that failed for err, with what did not answer
// well when it ended.
func (r *Run) failed(code receipt.Code, err error) receipt.Outcome {
	said := err.Error()
	for _, t := range r.watch.Failing(0) {
		if !strings.Contains(said, t.Said) {
			err = fmt.Errorf("%w; %s", err, t)
		}
	}
	return receipt.Outcome{Status: receipt.Failed, Err: err, Code: code}
}

// code tells of which kind err is. What is permanent and not one record's own is
// the configuration's.
func code(err error) receipt.Code {
	if retry.IsPermanent(err) {
		return receipt.Misconfigured
	}
	return receipt.Unavailable
}

// patience is how long what a run needs may fail before that is no longer a
// hiccup that the run happened to end in.
const patience = 10 * time.Second

// Failing lists what has not answered well for at least so long, the longest
// first.
func (r *Run) Failing(atLeast time.Duration) []watch.Trouble { return r.watch.Failing(atLeast) }

// Troubled tells whether something that the run needs is failing, as its watch
// sees it or as err tells, of what was cut off by the end of the run's time.
func (r *Run) Troubled(err error) bool {
	_, late := part(r.ctx, err)
	return len(r.failing(late)) > 0
}

// failing lists what was failing when the time was up.
func (r *Run) failing(late []error) []string {
	least := patience
	if r.budget > 0 {
		// A client that backs off gives up once its next wait would outlast the run:
		// at the soonest when a seventh of the time has gone by in failing.
		least = min(least, r.budget/8)
	}
	var out []string
	for _, t := range r.watch.Failing(least) {
		out = append(out, t.String())
	}
	if len(out) > 0 {
		return out
	}
	for _, err := range late {
		var cut *retry.CutError
		if errors.As(err, &cut) && cut.Last != nil && cut.For >= least {
			out = append(out, cut.Last.Error())
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, err := range r.calls.Failing(least) {
		out = append(out, err.Error())
	}
	return out[:min(len(out), maxFailing)]
}

// maxFailing is how many calls that kept failing are told, each with its own words.
const maxFailing = 3

// ended says why the run is over.
func (r *Run) ended() error {
	switch {
	case r.ctx.Err() == nil: // a client knew that it would be before the next try
		return fmt.Errorf("RUN_TIMEOUT (%v) would have been up", r.budget.Round(time.Millisecond))
	case r.stopped():
		return context.Cause(r.ctx)
	case r.budget <= 0:
		return r.ctx.Err()
	}
	return fmt.Errorf("RUN_TIMEOUT (%v) was up", r.budget.Round(time.Millisecond))
}

// Late tells whether err says no more than that ctx ended, or would have before
// the call could be made: nobody's fault, unless a run's watch knows better.
func Late(ctx context.Context, err error) bool {
	_, late := part(ctx, err)
	return len(late) > 0 && len(late) == len(leaves(err))
}

// part parts what went wrong from what only says that the time was up.
func part(ctx context.Context, err error) (faults, late []error) {
	over := ctx.Err() != nil
	for _, leaf := range leaves(err) {
		var cut *retry.CutError
		switch {
		case errors.As(leaf, &cut):
			late = append(late, leaf)
		case over && (errors.Is(leaf, context.DeadlineExceeded) || errors.Is(leaf, context.Canceled) || errors.Is(leaf, context.Cause(ctx))):
			late = append(late, leaf)
		default:
			faults = append(faults, leaf)
		}
	}
	return faults, late
}

// leaves takes lists of errors apart, and drops what says again what another
// has said: every shard fails for the reason that one request had.
func leaves(err error) (out []error) {
	seen := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if err == nil {
			return
		}
		if list, ok := err.(interface{ Unwrap() []error }); ok && errors.Join(list.Unwrap()...).Error() == err.Error() {
			for _, e := range list.Unwrap() {
				walk(e)
			}
			return
		}
		if !seen[err.Error()] {
			seen[err.Error()] = true
			out = append(out, err)
		}
	}
	walk(err)
	return out
}
