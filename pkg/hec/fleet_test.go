package hec

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

func testFleet(n, limit int) *fleet {
	f := &fleet{limit: limit, budget: 10, base: time.Second, max: 30 * time.Second, changed: make(chan struct{})}
	for i := range n {
		f.all = append(f.all, &endpoint{index: i, window: float64(limit)})
	}
	return f
}

func take(t *testing.T, f *fleet) grant {
	t.Helper()
	g, ok, err := f.acquire(t.Context(), 0, 0, false)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	return g
}

func TestWindowHalvesOnceARoundAndGrowsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := testFleet(1, 8)
		var round []grant
		for range 8 {
			round = append(round, take(t, f))
		}
		for _, g := range round { // all eight meet the same congestion
			f.release(g, report{slow: true, err: errors.New("busy")})
		}
		e := f.all[0]
		if e.window != 4 || e.fails != 1 {
			t.Fatalf("window %v after one congested round, %d failures", e.window, e.fails)
		}
		begin := time.Now()
		g := take(t, f) // waits for the back-off
		if d := time.Since(begin); d != 500*time.Millisecond {
			t.Errorf("back-off of %v", d)
		}
		f.release(g, report{slow: true, err: errors.New("busy")})
		if e.window != 2 || e.fails != 2 {
			t.Fatalf("window %v, %d failures", e.window, e.fails)
		}
		n := 0
		for ; e.window < 8; n++ {
			f.release(take(t, f), report{alive: true, grow: true})
		}
		if n < 20 || n > 50 || e.fails != 0 { // 2+3+…+7 = 27 successes, one a window
			t.Errorf("grew back after %d successes, %d failures", n, e.fails)
		}
	})
}

// One request finds out whether an endpoint is back; the others wait for it.
func TestOneRequestProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := testFleet(1, 8)
		f.release(take(t, f), report{err: errors.New("reset")})
		probe := take(t, f)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok, _ := f.acquire(ctx, 0, 0, false); ok {
			t.Error("a second request went out beside the probe")
		}
		f.release(probe, report{alive: true})
		take(t, f)
		take(t, f)
	})
}

// Of many batches that meet the same outage none waits for the others to have
// found out, one by one.
func TestOutageIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{Busy: true}, Options{Concurrency: 8, Retry: retry.Policy{Attempts: 5, Base: time.Second, Max: 30 * time.Second}})
		begin := time.Now()
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				b := fill(t, c, 1, nil)
				defer b.Release()
				_, err := c.Send(t.Context(), b)
				var e *Error
				if !errors.As(err, &e) || e.Code != 9 || retry.IsPermanent(err) {
					t.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if d, n := time.Since(begin), s.Stats().Requests; d > time.Minute || n > 40 {
			t.Errorf("gave up after %v and %d requests", d, n)
		}
		s.Set(func(o *emulator.Options) { o.Busy = false })
		b := fill(t, c, 1, nil)
		defer b.Release()
		if _, err := c.Send(t.Context(), b); err != nil {
			t.Errorf("after the outage: %v", err)
		}
	})
}

// A Send that is cancelled is no reason to bother another endpoint, nor to
// blame the one that was asked.
func TestCancelStopsFailOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		slow := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			requests++
			<-r.Context().Done()
		})
		c := newClient(t, Options{URLs: []string{"https://a", "https://b"}, HTTPClient: &http.Client{Transport: inMemory{"a": slow, "b": slow}}})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		b := fill(t, c, 1, nil)
		defer b.Release()
		if _, err := c.Send(ctx, b); !errors.Is(err, context.Canceled) || requests != 1 {
			t.Errorf("%d requests, %v", requests, err)
		}
		for _, e := range c.fleet.all {
			if e.fails != 0 {
				t.Errorf("%s is blamed", e.url)
			}
		}
	})
}

func TestLimitHoldsOverAllEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := testFleet(3, 2)
		a, b := take(t, f), take(t, f)
		if a.endpoint == b.endpoint {
			t.Error("not round robin")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok, err := f.acquire(ctx, 0, 0, false); ok || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a third request: %t, %v", ok, err)
		}
		go f.release(a, report{alive: true})
		c := take(t, f)
		f.release(b, report{})
		f.release(c, report{})
		if f.inflight != 0 {
			t.Errorf("%d in flight", f.inflight)
		}
	})
}

// An endpoint that is down costs one request now and then, and delays nothing.
func TestFailOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := []emulator.Token{{Value: testToken}}
		good, full := emulator.New(emulator.Options{Tokens: tokens}), emulator.New(emulator.Options{Tokens: tokens, Busy: true})
		var heard []time.Duration
		c := newClient(t, Options{
			URLs:       []string{"https://full", "https://good", "https://gone"},
			HTTPClient: &http.Client{Transport: inMemory{"good": good, "full": full}},
			Retry: retry.Policy{Attempts: 5, Base: time.Second, Max: time.Minute,
				Notify: func(_ int, wait time.Duration, _ error) { heard = append(heard, wait) }},
		})
		begin := time.Now()
		for i := range 50 {
			b, _ := c.Batch(t.Context())
			appendEvent(b, i, "")
			if _, err := c.Send(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
		if d := time.Since(begin); d != 0 {
			t.Errorf("took %v", d)
		}
		wantOnce(t, good, 50, nil)
		if n := full.Stats().Requests; n != 1 || len(heard) != 2 || heard[0] != 0 {
			t.Errorf("%d requests to the full one, heard %v", n, heard)
		}
		full.Set(func(o *emulator.Options) { o.Busy = false })
		time.Sleep(time.Minute)
		for i := 50; i < 60; i++ {
			b, _ := c.Batch(t.Context())
			appendEvent(b, i, "")
			if _, err := c.Send(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
		if n := full.Stats().Events; n < 4 {
			t.Errorf("recovered, yet it got only %d events", n)
		}
	})
}

// A receiver that takes 1000 events a second gets them at about that rate, all
// of them, each once.
func TestAdaptsToAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{QueueEvents: 1000, QueueRate: 1000}, Options{
			Concurrency: 8, Retry: retry.Policy{Attempts: 100, Base: 100 * time.Millisecond, Max: time.Second},
		})
		begin := time.Now()
		var next atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for {
					k := next.Add(1) - 1
					if k >= 60 {
						return
					}
					b, err := c.Batch(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					for i := range 100 {
						appendEvent(b, int(k)*100+i, "")
					}
					if _, err := c.Send(t.Context(), b); err != nil {
						t.Error(err)
					}
					b.Release()
				}
			})
		}
		wg.Wait()
		wantOnce(t, s, 6000, nil)
		if d := time.Since(begin); d < 5*time.Second || d > 15*time.Second {
			t.Errorf("took %v for 6000 events at 1000/s", d)
		}
		st := c.Stats()
		if st.Throttled == 0 || st.Throttled > 100 || st.PossibleRepeats != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestBatchesAreBounded(t *testing.T) {
	c := newClient(t, Options{URLs: []string{"https://a"}, Batches: 2, BatchBytes: 100})
	a, b := fill(t, c, 1, nil), fill(t, c, 3, nil)
	if a.Full() || !b.Full() || b.Len() != 3 || string(b.Event(1)) == "" || b.Pos(2) != (Pos{7, 2}) {
		t.Errorf("full: %t, %t", a.Full(), b.Full())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Batch(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a third batch: %v", err)
	}
	appendEvent(a, 0, strings.Repeat("x", 1000))
	a.Release()
	a.Release()
	again, err := c.Batch(t.Context())
	if err != nil || again.Len() != 0 || cap(again.buf) > 200 {
		t.Errorf("%v, a swollen batch came back: %d", err, cap(again.buf))
	}
	again.Release()
	b.Release()
	if len(c.pool.spare) != 2 || len(c.pool.out) != 0 {
		t.Errorf("%d batches in the pool", len(c.pool.spare))
	}
}

// A pause of a day is not waited for, and not remembered by the next run.
func TestLongPauseEndsWithTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{Busy: true, RetryAfter: 24 * time.Hour}, Options{})
		b := fill(t, c, 5, nil)
		defer b.Release()
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.Send(ctx, b)
		var e *Error
		if !errors.As(err, &e) || errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > time.Second || !strings.Contains(err.Error(), "24h") {
			t.Fatalf("after %v: %v", time.Since(begin), err)
		}
		s.Set(func(o *emulator.Options) { o.Busy = false })
		if _, err := c.Session().Send(ctx, b); err != nil || time.Since(begin) > time.Second {
			t.Fatalf("after %v: %v", time.Since(begin), err)
		}
	})
}

// A run that begins while an endpoint is on back-off from earlier ones asks it all
// the same: down, it says for how long it has been, and back, it is used.
func TestBackOffEndsWithTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newPair(t, emulator.Options{Busy: true}, Options{Retry: retry.Policy{Attempts: 100, Base: time.Second, Max: time.Hour}})
		b := fill(t, c, 5, nil)
		defer b.Release()
		for run := range 6 {
			before, began := s.Stats().Requests, time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			_, err := c.Session().Send(ctx, b)
			cancel()
			var cut *retry.CutError
			if !errors.As(err, &cut) || cut.Last == nil || s.Stats().Requests == before {
				t.Fatalf("run %d, after %d requests: %v", run, s.Stats().Requests-before, err)
			}
			if run > 0 && cut.For < time.Second || time.Since(began) > 3*time.Second {
				t.Errorf("run %d: after %v it is said to have failed for %v", run, time.Since(began), cut.For)
			}
			time.Sleep(time.Second)
		}
		s.Set(func(o *emulator.Options) { o.Busy = false })
		began := time.Now()
		if _, err := c.Session().Send(t.Context(), b); err != nil || time.Since(began) > time.Second {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
	})
}
