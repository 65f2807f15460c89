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

// Do calls op until it succeeds, fails permanently, the attempts are used up
// or ctx ends. It returns nil or the last error of op, joined with the
// context's when that is what ended the attempts.
func (p Policy) Do(ctx context.Context, op func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		err := op(ctx)
		if err == nil {
			return nil
		}
		if IsPermanent(err) {
			return err
		}
		if ctx.Err() != nil {
			return withContext(ctx, err)
		}
		if attempt >= p.Attempts {
			if attempt == 1 {
				return err
			}
			return fmt.Errorf("after %d attempts: %w", attempt, err)
		}
		wait := p.wait(attempt, err)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			// Waiting out the deadline would only turn a clear error into a late one.
			return errors.Join(err, context.DeadlineExceeded)
		}
		if p.Notify != nil {
			p.Notify(attempt, wait, err)
		}
		if Sleep(ctx, wait) != nil {
			return withContext(ctx, err)
		}
	}
}

// withContext adds why the context ended to err, unless err says so already.
func withContext(ctx context.Context, err error) error {
	if errors.Is(err, ctx.Err()) {
		return err
	}
	return errors.Join(err, context.Cause(ctx))
}

func (p Policy) wait(attempt int, err error) time.Duration {
	wait := p.Base << min(attempt-1, 20)
	if wait > 0 {
		wait = wait/2 + rand.N(wait)
	}
	if p.Max > 0 {
		wait = min(wait, p.Max)
	}
	var t *transient
	if errors.As(err, &t) {
		wait = max(wait, t.after)
	}
	return wait
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
