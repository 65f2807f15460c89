package anypoint

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// margin is the share of the allowed rate that is used.
//
// Requests leave at least 60 s/(margin·R) apart, one at a time, so a window of
// length w at the sender holds at most ⌊w·margin·R/60⌋+1 of them. Requests that
// travel for different times arrive closer together: those of a minute at the
// server left in up to 60 s plus the jitter J. With ⌊x⌋+1 ≤ R as long as x < R,
// the server never counts more than R in any 60 s while J < 60·(1/margin − 1),
// which is 1.2 s at 0.98, for every R.
const margin = 0.98

// budget spaces everything a client sends, and stops it while the API asks for
// a pause.
type budget struct {
	limiter  *rate.Limiter
	min, max time.Duration // of a pause the API gave no length for

	mu    sync.Mutex
	until time.Time     // end of the pause
	began time.Time     // when it was asked for
	next  time.Duration // length of the next one
}

func newBudget(perMinute int, minPause, maxPause time.Duration) *budget {
	every := time.Duration(float64(time.Minute) / (margin * float64(perMinute)))
	return &budget{
		limiter: rate.NewLimiter(rate.Every(every), 1),
		min:     minPause, max: maxPause, next: minPause,
	}
}

// wait returns when one request may be sent. It fails at once, and with a
// transient error, if that moment lies beyond ctx's deadline.
func (b *budget) wait(ctx context.Context) error {
	for {
		if err := b.waitPause(ctx); err != nil {
			return err
		}
		if err := b.limiter.Wait(ctx); err != nil {
			if ctx.Err() != nil {
				return ended(ctx)
			}
			return &final{retry.Cut(&Error{Kind: Throttled, Detail: "the request budget has no room before the deadline", Err: context.DeadlineExceeded})}
		}
		// A pause that began meanwhile ends for all waiters at one moment; they
		// queue up again rather than leave all at once.
		if b.paused() <= 0 {
			return nil
		}
	}
}

func (b *budget) waitPause(ctx context.Context) error {
	for {
		left := b.paused()
		if left <= 0 {
			return nil
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < left {
			detail := fmt.Sprintf("the API asked for a pause of another %s, which is beyond the deadline", left.Round(time.Second))
			return &final{retry.After(&Error{Kind: Throttled, Detail: detail, Err: context.DeadlineExceeded}, left)}
		}
		if err := retry.Sleep(ctx, left); err != nil {
			return ended(ctx)
		}
	}
}

func (b *budget) paused() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Until(b.until)
}

// pause stops the client, after a request sent at sent was refused: for d if
// the API named a length (asked), else for a time that doubles while pauses
// follow each other. It returns how long the pause has yet to run.
func (b *budget) pause(sent time.Time, d time.Duration, asked bool) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	// Requests that were on their way when the pause began say nothing new.
	news := b.began.IsZero() || sent.After(b.began)
	if !asked && news {
		d, b.next = b.next, min(2*b.next, b.max)
	}
	if news {
		b.began = now
	}
	if until := now.Add(d); (asked || news) && until.After(b.until) {
		b.until = until
	}
	return b.until.Sub(now)
}

// resume ends a pause that is longer than the API's own limit needs.
func (b *budget) resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Until(b.until) > b.max {
		b.until = time.Time{}
	}
}

// success ends the growth of pauses, unless the request was on its way before
// the last one began.
func (b *budget) success(sent time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if sent.After(b.began) {
		b.next = b.min
	}
}
