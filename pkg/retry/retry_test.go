package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

var errBoom = errors.New("boom")

func TestDoStopsAtPermanent(t *testing.T) {
	calls := 0
	err := retry.Policy{Attempts: 5}.Do(t.Context(), func(context.Context) error {
		calls++
		return fmt.Errorf("outer: %w", retry.Permanent(errBoom))
	})
	if calls != 1 || !errors.Is(err, errBoom) || !retry.IsPermanent(err) {
		t.Fatalf("calls = %d, err = %v", calls, err)
	}
}

func TestDoWaitsGrowAndHonourRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		p := retry.Policy{
			Attempts: 4, Base: time.Second, Max: 3 * time.Second,
			Notify: func(_ int, w time.Duration, _ error) { waits = append(waits, w) },
		}
		start, calls := time.Now(), 0
		err := p.Do(t.Context(), func(context.Context) error {
			if calls++; calls == 3 {
				return retry.After(errBoom, time.Minute)
			}
			return errBoom
		})
		if !errors.Is(err, errBoom) || calls != 4 || len(waits) != 3 {
			t.Fatalf("calls = %d, waits = %v, err = %v", calls, waits, err)
		}
		if waits[0] < time.Second/2 || waits[0] >= 3*time.Second/2 || waits[1] < time.Second || waits[1] > 3*time.Second {
			t.Errorf("waits outside their bounds: %v", waits)
		}
		if waits[2] != time.Minute {
			t.Errorf("Retry-After of a minute became %v", waits[2])
		}
		if got := time.Since(start); got != waits[0]+waits[1]+waits[2] {
			t.Errorf("waited %v, announced %v", got, waits)
		}
	})
}

func TestDoGivesUpBeforeADeadlineItCannotMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := retry.Policy{Attempts: 5}.Do(ctx, func(context.Context) error { return retry.After(errBoom, time.Minute) })
		if !errors.Is(err, errBoom) || time.Since(start) != 0 {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
		// The server asked for it, so this is its word, and not bad timing.
		var cut *retry.CutError
		if errors.As(err, &cut) || !strings.Contains(err.Error(), "1m0s") {
			t.Fatal(err)
		}

		err = retry.Policy{Attempts: 5, Base: time.Hour}.Do(ctx, func(context.Context) error { return errBoom })
		if !errors.Is(err, errBoom) || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &cut) || time.Since(start) != 0 {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestTheLastFailureOutlivesTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		calls := 0
		err := retry.Policy{Attempts: 5, Base: time.Second}.Do(ctx, func(ctx context.Context) error {
			if calls++; calls == 1 {
				return errBoom
			}
			<-ctx.Done() // the second attempt hears nothing
			return ctx.Err()
		})
		var cut *retry.CutError
		if !errors.As(err, &cut) || !errors.Is(cut.Last, errBoom) || cut.For != time.Minute {
			t.Fatalf("%+v", err)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errBoom) || !strings.Contains(err.Error(), "boom") {
			t.Fatal(err)
		}
	})
}

func TestDoEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		err := retry.Policy{Attempts: 5, Base: time.Hour}.Do(ctx, func(context.Context) error { return errBoom })
		if !errors.Is(err, errBoom) || !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		value string
		want  time.Duration
		ok    bool
	}{
		{"", 0, false},
		{"7", 7 * time.Second, true},
		{"-1", 0, false},
		{"soon", 0, false},
		{now.Add(time.Minute).Format(http.TimeFormat), time.Minute, true},
		{now.Add(-time.Minute).Format(http.TimeFormat), 0, true},
	} {
		h := http.Header{}
		h.Set("Retry-After", tc.value)
		if got, ok := retry.RetryAfter(h, now); got != tc.want || ok != tc.ok {
			t.Errorf("%q: %v %v, want %v %v", tc.value, got, ok, tc.want, tc.ok)
		}
	}
}

// What has no deadline does not fall silent for a day because it was asked to.
func TestAskedToWaitForADayWithoutDeadline(t *testing.T) {
	busy := errBoom
	for _, tc := range []struct {
		after time.Duration
		calls int
	}{{24 * time.Hour, 1}, {time.Minute, 3}} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			err := retry.Policy{Attempts: 3}.Do(context.WithoutCancel(t.Context()), func(context.Context) error {
				calls++
				return retry.After(busy, tc.after)
			})
			if calls != tc.calls || !errors.Is(err, busy) {
				t.Errorf("asked to wait %v: %d calls, %v", tc.after, calls, err)
			}
		})
	}
}
