// Package retry is the one place where siemfeed decides whether and when a
// failed call is made again.
//
// Every error is permanent or transient. Whoever understands an error says so
// with [Permanent] or [After]; anything unmarked is transient. A client retries
// at its own edge, with [Policy.Do], and nowhere else.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Policy bounds the attempts at one call. The zero value makes one attempt.
type Policy struct {
	// Attempts is the most times the call is made; 0 means once.
	Attempts int
	// Base is the mean wait after the first failure; it doubles with each
	// further one. The wait is drawn evenly from [Base/2, 3·Base/2), so that
	// clients that failed together do not return together.
	Base time.Duration
	// Max caps a wait, jitter included. It does not cap a Retry-After.
	Max time.Duration
	// Notify, if set, hears of each retry before its wait.
	Notify func(attempt int, wait time.Duration, err error)
}

// Longest is how long a call without a deadline waits because it was asked to:
// what runs for ever must not fall silent.
const Longest = 5 * time.Minute

// Do calls op until it succeeds, fails permanently, the attempts are used up
// or ctx ends. It returns nil, the last error of op, or a [*CutError] when ctx
// is what ended the attempts.
func (p Policy) Do(ctx context.Context, op func(context.Context) error) error {
	calls, f := callsOf(ctx), &failing{since: time.Now()}
	err := p.do(ctx, op, func(err error) { calls.note(f, err) })
	calls.end(f, err)
	return err
}

// do is Do; failed hears of each attempt that is to be followed by another.
func (p Policy) do(ctx context.Context, op func(context.Context) error, failed func(error)) error {
	var last error
	began := time.Now()
	cut := func(err error) error {
		return &CutError{Last: last, For: time.Since(began), err: err, cause: context.Cause(ctx)}
	}
	for attempt := 1; ; attempt++ {
		err := op(ctx)
		if err == nil {
			return nil
		}
		var near *CutError
		if IsPermanent(err) || ctx.Err() == nil && errors.As(err, &near) {
			return err // or op knows itself that there is no time for another try
		}
		if ctx.Err() != nil {
			if !isEnd(ctx, err) {
				last = err
			}
			return cut(err)
		}
		last = err
		if attempt >= p.Attempts {
			if attempt == 1 {
				return err
			}
			return fmt.Errorf("after %d attempts: %w", attempt, err)
		}
		failed(err)
		wait := p.wait(attempt, err)
		deadline, ends := ctx.Deadline()
		if asked := asksFor(err); !ends && asked > Longest {
			return fmt.Errorf("%w (to be asked again in %v)", err, asked.Round(time.Second))
		}
		if ends && time.Until(deadline) < wait {
			// Waiting out the deadline would only turn a clear error into a late one.
			if asked := asksFor(err); time.Until(deadline) < asked {
				return fmt.Errorf("%w (to be asked again in %v, which is beyond this run)", err, asked.Round(time.Second))
			}
			return &CutError{Last: err, For: time.Since(began), err: err, cause: context.DeadlineExceeded}
		}
		if p.Notify != nil {
			p.Notify(attempt, wait, err)
		}
		if Sleep(ctx, wait) != nil {
			return cut(err)
		}
		Again(ctx)
	}
}

// CutError is the error of a call that was still to be made, or made again, when
// its context ended. It wraps the last attempt's error and the context's.
type CutError struct {
	// Last is what the last attempt that was not itself cut off failed with, nil
	// if there was none.
	Last error
	// For is how long the call was tried.
	For time.Duration

	err, cause error
}

func (e *CutError) Error() string {
	if e.Last == nil {
		return e.err.Error()
	}
	return fmt.Sprintf("%v, %v after the first try; the last said: %v", e.cause, e.For.Round(time.Millisecond), e.Last)
}

func (e *CutError) Unwrap() []error {
	out := []error{e.err, e.cause}
	if e.Last != nil {
		out = append(out, e.Last)
	}
	return out
}

// Cut marks err as that of a call that was not made since its context would have
// ended before.
func Cut(err error) error { return &CutError{err: err, cause: context.DeadlineExceeded} }

// CutAgain is Cut for what has failed for so long, with last as what it said last.
func CutAgain(last error, d time.Duration) error {
	return &CutError{Last: last, For: d, err: last, cause: context.DeadlineExceeded}
}

// isEnd tells whether err says no more than that ctx ended.
func isEnd(ctx context.Context, err error) bool {
	return errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))
}

// asksFor is how long err says to wait, see [After].
func asksFor(err error) time.Duration {
	var t *transient
	if errors.As(err, &t) {
		return t.after
	}
	return 0
}

func (p Policy) wait(attempt int, err error) time.Duration {
	wait := p.Base << min(attempt-1, 20)
	if wait > 0 {
		wait = wait/2 + rand.N(wait)
	}
	if p.Max > 0 {
		wait = min(wait, p.Max)
	}
	return max(wait, asksFor(err))
}

type permanent struct{ err error }

func (e *permanent) Error() string { return e.err.Error() }
func (e *permanent) Unwrap() error { return e.err }

// Permanent marks err as one that no retry can mend. Nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

// IsPermanent tells whether err, or one it wraps, was marked [Permanent].
func IsPermanent(err error) bool {
	var p *permanent
	return errors.As(err, &p)
}

type transient struct {
	err   error
	after time.Duration
}

func (e *transient) Error() string { return e.err.Error() }
func (e *transient) Unwrap() error { return e.err }

// After marks err as transient and not worth a retry before d has passed.
func After(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &transient{err, d}
}

// RetryAfter reads a response's Retry-After header, as seconds or as an HTTP
// date measured from now (RFC 9110 §10.2.3). It returns false when the header
// is absent or unreadable.
func RetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := h.Get("Retry-After")
	if v == "" {
		return 0, false
	}
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return time.Duration(s) * time.Second, true
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, t.Sub(now)), true
	}
	return 0, false
}

// Sleep waits for d or until ctx ends, and returns ctx's error in that case.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
