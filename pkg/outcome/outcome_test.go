package outcome_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// peer answers as its fields say, after wait, and well once it is later than
// until, if that is set.
type peer struct {
	code  int
	wait  time.Duration
	until time.Time
}

func (p *peer) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := retry.Sleep(r.Context(), p.wait); err != nil {
		return nil, err
	}
	code := p.code
	if !p.until.IsZero() && time.Now().After(p.until) {
		code = http.StatusOK
	}
	return &http.Response{StatusCode: code, Status: fmt.Sprint(code), Header: http.Header{}, Body: io.NopCloser(strings.NewReader("words"))}, nil
}

// call asks p under a policy, as a client does.
func call(ctx context.Context, p *peer) error {
	rt := watch.Transport(watch.Always("HEC_URL"), p)
	return retry.Policy{Attempts: 1000, Base: time.Second, Max: 2 * time.Second}.Do(ctx, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://peer/", nil)
		if err != nil {
			return err
		}
		res, err := rt.RoundTrip(req)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", res.StatusCode)
		}
		return nil
	})
}

func TestOutcome(t *testing.T) {
	boom := errors.New("boom")
	for _, tc := range []struct {
		name string
		work func(ctx context.Context, r *receipt.Core) (did bool, err error)
		want receipt.Status
		says []string // in the error, or the trouble
	}{
		{"done", func(context.Context, *receipt.Core) (bool, error) { return true, nil }, receipt.OK, nil},
		{"done, with nothing to do", func(context.Context, *receipt.Core) (bool, error) { return false, nil }, receipt.OK, nil},
		{"an error", func(context.Context, *receipt.Core) (bool, error) { return true, boom }, receipt.Failed, []string{"boom"}},
		{"an error beside the deadline's", func(ctx context.Context, _ *receipt.Core) (bool, error) {
			<-ctx.Done()
			return true, errors.Join(ctx.Err(), boom)
		}, receipt.Failed, []string{"boom"}},
		{"time up, all well", func(ctx context.Context, r *receipt.Core) (bool, error) {
			r.Remaining = []string{"much"}
			for ctx.Err() == nil {
				if err := call(ctx, &peer{code: 200, wait: 100 * time.Millisecond}); err != nil {
					return true, err
				}
			}
			return true, nil
		}, receipt.Partial, nil},
		{"a rest, and time left", func(_ context.Context, r *receipt.Core) (bool, error) {
			r.Remaining = []string{"shard 3 is another's"}
			return false, nil
		}, receipt.Partial, nil},
		{"time up, nothing done", func(ctx context.Context, _ *receipt.Core) (bool, error) {
			<-ctx.Done()
			return false, ctx.Err()
		}, receipt.Failed, []string{"RUN_TIMEOUT (20s)", "raise"}},
		{"500 for ever", func(ctx context.Context, _ *receipt.Core) (bool, error) { return true, call(ctx, &peer{code: 500}) },
			receipt.Failed, []string{"RUN_TIMEOUT (20s)", "HEC_URL", "500: words"}},
		{"500 for ever, and the error swallowed", func(ctx context.Context, r *receipt.Core) (bool, error) {
			_ = call(ctx, &peer{code: 500})
			r.Remaining = []string{"much"}
			return true, nil
		}, receipt.Failed, []string{"HEC_URL", "500: words"}},
		{"silent", func(ctx context.Context, _ *receipt.Core) (bool, error) {
			return true, call(ctx, &peer{code: 200, wait: time.Hour})
		}, receipt.Failed, []string{"HEC_URL", "no answer for 15s"}},
		{"answered late, but answered", func(ctx context.Context, r *receipt.Core) (bool, error) {
			r.Remaining = []string{"much"}
			for ctx.Err() == nil {
				if err := call(ctx, &peer{code: 200, wait: 4 * time.Second}); err != nil {
					return true, err
				}
			}
			return true, nil
		}, receipt.Partial, nil},
		{"a hiccup that mended", func(ctx context.Context, _ *receipt.Core) (bool, error) {
			return true, call(ctx, &peer{code: 503, until: time.Now().Add(3 * time.Second)})
		}, receipt.OK, []string{"HEC_URL", "503"}},
		{"a hiccup at the end", func(ctx context.Context, _ *receipt.Core) (bool, error) {
			time.Sleep(14 * time.Second)
			return true, call(ctx, &peer{code: 503})
		}, receipt.Partial, []string{"HEC_URL", "503"}},
		{"a store without HTTP keeps failing", func(ctx context.Context, _ *receipt.Core) (bool, error) {
			return true, retry.Policy{Attempts: 1000, Base: time.Second, Max: time.Second}.Do(ctx, func(context.Context) error { return boom })
		}, receipt.Failed, []string{"boom"}},
		{"busy", func(_ context.Context, r *receipt.Core) (bool, error) {
			r.Status, r.Remaining = receipt.Busy, []string{"another's turn"}
			return false, nil
		}, receipt.Busy, nil},
		{"counts that do not add up", func(_ context.Context, r *receipt.Core) (bool, error) {
			r.In++
			return true, nil
		}, receipt.Failed, []string{"add up"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				state := open(t)
				run := outcome.Begin(t.Context(), 20*time.Second, 0)
				r := receipt.Start("f")
				did, err := tc.work(run.Context(), &r)
				err = run.End(state, &r, did, err)
				if r.Status != tc.want || (err != nil) != (tc.want == receipt.Failed) || (r.Error != "") != (err != nil) {
					t.Fatalf("%s: %v (%+v)", r.Status, err, r)
				}
				for _, word := range tc.says {
					if !strings.Contains(r.Error+r.Trouble, word) {
						t.Errorf("%q is not in %q nor in %q", word, r.Error, r.Trouble)
					}
				}
				if r.Status == receipt.Partial && len(r.Remaining) == 0 {
					t.Error("partial without a rest")
				}
				var kept receipt.Core
				if err := state.ReadJSON(t.Context(), r.Key(), &kept); err != nil || kept.Status != r.Status {
					t.Errorf("%v: %+v", err, kept)
				}
			})
		})
	}
}

// However its waits are drawn, a client that gives up early in a short run, since
// its next wait would outlast that, has failed for long enough.
func TestDownForAShortRun(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			run := outcome.Begin(t.Context(), 5*time.Second, 0)
			defer run.Cancel()
			rt := watch.Transport(watch.Always("HEC_URL"), &peer{code: 503})
			err := retry.Policy{Attempts: 1000, Base: 500 * time.Millisecond}.Do(run.Context(), func(ctx context.Context) error {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://peer/", nil)
				if err != nil {
					return err
				}
				res, err := rt.RoundTrip(req)
				if err != nil {
					return err
				}
				return errors.Join(fmt.Errorf("status %d", res.StatusCode), res.Body.Close())
			})
			r := receipt.Start("f")
			r.Remaining = []string{"all of it"}
			if err := run.Decide(&r, true, err); err == nil || r.Status != receipt.Failed {
				t.Fatalf("%s after %v: %+v", r.Status, time.Since(r.StartedAt), r)
			}
		})
		if t.Failed() {
			return
		}
	}
}

func open(t *testing.T) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestStopIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancelCause(t.Context())
		run := outcome.Begin(ctx, time.Minute, 0)
		stop(errors.New("the instance is shutting down"))
		r := receipt.Start("f")
		if err := run.End(open(t), &r, false, run.Context().Err()); err != nil || r.Status != receipt.Partial || !strings.Contains(r.Remaining[0], "shutting down") {
			t.Fatalf("%v %+v", err, r)
		}
	})
}

func TestLastWordsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		run := outcome.Begin(t.Context(), 4*time.Second, 0)
		<-run.Context().Done()
		if got := time.Since(began); got != 3*time.Second {
			t.Errorf("work ends after %v", got)
		}
		if !errors.Is(context.Cause(run.Context()), outcome.ErrTimeUp) {
			t.Error(context.Cause(run.Context()))
		}
		last, cancel := run.LastWords()
		defer cancel()
		<-last.Done()
		if got := time.Since(began); got != 5*time.Second {
			t.Errorf("last words end after %v", got)
		}

		// The caller's deadline counts, and a stop does.
		began = time.Now()
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		run = outcome.Begin(ctx, time.Hour, 0)
		<-run.Context().Done()
		if got := time.Since(began); got != 54*time.Second {
			t.Errorf("work ends after %v", got)
		}
		stop()
		ctx, stop = context.WithCancel(t.Context())
		run = outcome.Begin(ctx, time.Hour, 0)
		stop()
		began = time.Now()
		last, cancel = run.LastWords()
		defer cancel()
		<-last.Done()
		if got := time.Since(began); got != 6*time.Second {
			t.Errorf("last words of a stopped run end after %v", got)
		}
	})
}

func TestReceiptThatCannotBeKept(t *testing.T) {
	state := open(t)
	if err := state.Close(); err != nil {
		t.Fatal(err)
	}
	r := receipt.Start("f")
	err := outcome.Begin(t.Context(), time.Minute, 0).End(state, &r, true, nil)
	if err == nil || r.Status != receipt.Failed || !strings.Contains(r.Error, "STATE_URL") {
		t.Fatalf("%v: %+v", err, r)
	}
}

// rows is the receipt of a function that makes two records of one.
type rows struct{ receipt.Core }

func (r *rows) Balance() error {
	if r.Out != 2*r.In {
		return fmt.Errorf("%d of %d", r.Out, 2*r.In)
	}
	return nil
}

// A receipt is held to the balance of its own kind.
func TestBalanceOfTheFunctionsOwn(t *testing.T) {
	state, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []int64{2, 1} {
		run := outcome.Begin(t.Context(), 0, 0)
		r := &rows{Core: receipt.Start("rows")}
		r.In, r.Out = 1, out
		err := run.End(state, r, true, nil)
		run.Cancel()
		if out == 2 && (err != nil || r.Status != receipt.OK) || out == 1 && (err == nil || r.Status != receipt.Failed) {
			t.Errorf("out %d: %v, %s", out, err, r.Status)
		}
	}
}

func TestFailureHasACode(t *testing.T) {
	boom := errors.New("boom")
	for _, tc := range []struct {
		name string
		work func(context.Context) error
		want receipt.Code
	}{
		{"well", func(context.Context) error { return nil }, ""},
		{"a wrong key", func(context.Context) error { return fmt.Errorf("org-1: %w", retry.Permanent(boom)) }, receipt.Misconfigured},
		{"one of many is wrong", func(context.Context) error { return errors.Join(boom, retry.Permanent(errors.New("denied"))) }, receipt.Misconfigured},
		{"down", func(context.Context) error { return boom }, receipt.Unavailable},
		{"down until the end", func(ctx context.Context) error { return call(ctx, &peer{code: 500}) }, receipt.Unavailable},
		{"too little time", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, receipt.TimedOut},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				run := outcome.Begin(t.Context(), 20*time.Second, 0)
				began := time.Now()
				r := receipt.Start("f")
				_ = run.End(open(t), &r, false, tc.work(run.Context()))
				if r.Code != tc.want {
					t.Errorf("code %q of %q, want %q", r.Code, r.Error, tc.want)
				}
				if want := time.Since(began).Seconds(); r.Seconds != want {
					t.Errorf("it took %v s, want %v", r.Seconds, want)
				}
			})
		})
	}
}

// What answers well and never with what it should is known by the call alone,
// whose error may be lost where the run's end cuts it off.
func TestTroubleThatOnlyTheCallKnows(t *testing.T) {
	wrong := errors.New("a web page is no answer")
	policy := retry.Policy{Attempts: 1000, Base: time.Second, Max: 2 * time.Second}
	for name, tc := range map[string]struct {
		call func(ctx context.Context)
		want receipt.Status
	}{
		"to the end": {func(ctx context.Context) {
			stop, cancel := context.WithCancel(context.WithoutCancel(ctx)) // knows of no deadline
			defer context.AfterFunc(ctx, cancel)()
			_ = policy.Do(stop, func(context.Context) error { return wrong })
		}, receipt.Failed},
		"until a while before": {func(ctx context.Context) {
			until := time.Now().Add(30 * time.Second)
			_ = policy.Do(ctx, func(context.Context) error {
				if time.Now().Before(until) {
					return wrong
				}
				return nil
			})
			<-ctx.Done()
		}, receipt.Partial},
		"called off before": {func(ctx context.Context) {
			until, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			_ = policy.Do(until, func(context.Context) error { return wrong })
			<-ctx.Done()
		}, receipt.Partial},
		"for a moment": {func(ctx context.Context) {
			deadline, _ := ctx.Deadline()
			_ = retry.Sleep(ctx, time.Until(deadline)-time.Second)
			stop, cancel := context.WithCancel(context.WithoutCancel(ctx))
			defer context.AfterFunc(ctx, cancel)()
			_ = policy.Do(stop, func(context.Context) error { return wrong })
		}, receipt.Partial},
		"and is nobody's matter": {func(ctx context.Context) {
			stop, cancel := context.WithCancel(retry.Unwatched(context.WithoutCancel(ctx)))
			defer context.AfterFunc(ctx, cancel)()
			_ = policy.Do(stop, func(context.Context) error { return wrong })
		}, receipt.Partial},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				run := outcome.Begin(t.Context(), time.Minute, 0)
				defer run.Cancel()
				r := receipt.Start("f")
				r.Remaining = []string{"the rest"}
				tc.call(run.Context())
				err := run.Decide(&r, true, nil)
				if r.Status != tc.want || (err != nil) != (tc.want == receipt.Failed) || err != nil && !strings.Contains(err.Error(), "kept failing: "+wrong.Error()) {
					t.Errorf("%s: %v", r.Status, err)
				}
			})
		})
	}
}
