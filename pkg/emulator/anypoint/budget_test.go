package anypoint_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	client "github.com/siemfeed/siemfeed/pkg/anypoint"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// pipes is a network inside the process, for the fake clock of synctest.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }
func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	p.conns <- far
	return near, nil
}

// jitter holds each request back for up to max, as a network does.
type jitter struct {
	http.RoundTripper
	mu  sync.Mutex
	rng *rand.Rand
	max time.Duration
}

func (j *jitter) RoundTrip(r *http.Request) (*http.Response, error) {
	j.mu.Lock()
	d := time.Duration(j.rng.Int64N(int64(j.max)))
	j.mu.Unlock()
	time.Sleep(d)
	return j.RoundTripper.RoundTrip(r)
}

// overPipes serves srv to a client on the fake clock until the test's end.
func overPipes(t *testing.T, srv *emulator.Server, o client.Options) *client.Client {
	t.Helper()
	wire := newPipes()
	hs := &http.Server{Handler: srv, ReadHeaderTimeout: time.Hour}
	var wg sync.WaitGroup
	wg.Go(func() { _ = hs.Serve(wire) })
	tr := &http.Transport{DialContext: wire.dial, MaxIdleConnsPerHost: 50}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		_ = hs.Close()
		wg.Wait()
	})
	o.BaseURL, o.ClientID, o.ClientSecret = "http://127.0.0.1", "client", "secret"
	o.HTTPClient = &http.Client{Transport: &jitter{RoundTripper: tr, rng: rand.New(rand.NewPCG(1, 2)), max: time.Second}}
	return client.New(o)
}

type discard struct{}

func (discard) PageStart(int)                {}
func (discard) Entry([]byte) error           { return nil }
func (discard) Reject(client.Rejected) error { return nil }
func (discard) PageEnd(bool) error           { return nil }

// The whole budget may be used, and not one request more may arrive within any
// minute, whichever way the server counts and however long requests travel.
func TestBudgetIsUsedAndNeverExceeded(t *testing.T) {
	for _, tt := range []struct {
		rate, minutes int
		sliding       bool
	}{{40, 5, true}, {40, 5, false}, {700, 2, true}, {700, 2, false}} {
		t.Run(fmt.Sprintf("%d sliding=%v", tt.rate, tt.sliding), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := emulator.New(emulator.Options{RatePerMinute: tt.rate, Sliding: tt.sliding, Latency: 300 * time.Millisecond})
				c := overPipes(t, srv, client.Options{RatePerMinute: tt.rate, PageSize: 2})
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(tt.minutes)*time.Minute)
				defer cancel()
				var wg sync.WaitGroup
				for i := range 16 {
					org := fmt.Sprintf("org-%d", i)
					srv.AddSynthetic(org, emulator.Synthetic{N: 1_000_000, From: day, To: day.Add(time.Hour)})
					wg.Go(func() {
						_, err := c.Entries(ctx, client.Query{Org: org, From: day, To: day.Add(time.Hour)}, discard{})
						if !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("want the deadline to end it, got %v", err)
						}
					})
				}
				wg.Wait()
				m := srv.Metrics()
				if n := m.Busiest(time.Minute); n > tt.rate || m.Throttled > 0 {
					t.Errorf("%d requests arrived within a minute, %d were refused", n, m.Throttled)
				}
				t.Logf("%d of %d requests", len(m.Arrivals), tt.minutes*tt.rate)
				if used := float64(len(m.Arrivals)) / float64(tt.minutes*tt.rate); used < 0.95 {
					t.Errorf("only %.1f %% of the budget was used", 100*used)
				}
				least, most := len(m.Arrivals), 0
				for _, n := range m.Queries {
					least, most = min(least, n), max(most, n)
				}
				if len(m.Queries) != 16 || least < most/2-1 {
					t.Errorf("an organisation starves: %v", m.Queries)
				}
			})
		})
	}
}

// Someone else behind the same address has used up the minute.
func TestThrottledClientPausesAndGoesOn(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := emulator.New(emulator.Options{RatePerMinute: 20, Throttle: status})
				c := overPipes(t, srv, client.Options{RatePerMinute: 120, PageSize: 10})
				for i := range 4 {
					srv.AddSynthetic(fmt.Sprint(i), emulator.Synthetic{N: 95, From: day, To: day.Add(time.Hour)})
				}
				start := time.Now()
				var wg sync.WaitGroup
				for i := range 4 {
					wg.Go(func() {
						st, err := c.Entries(t.Context(), client.Query{Org: fmt.Sprint(i), From: day, To: day.Add(time.Hour)}, discard{})
						if err != nil || st.Entries != 95 {
							t.Errorf("%+v, %v", st, err)
						}
					})
				}
				wg.Wait()
				m := srv.Metrics() // 45 requests had to get through, 20 a minute
				if took := time.Since(start); took > 4*time.Minute || m.Throttled == 0 || m.Throttled > 40 {
					t.Errorf("%d refused in %s: want few, since all callers pause together", m.Throttled, took)
				}
			})
		})
	}
}

func TestPauseBeyondTheDeadlineFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := emulator.New(emulator.Options{RatePerMinute: 1, Throttle: http.StatusTooManyRequests})
		srv.AddOrg("o", "")
		c := overPipes(t, srv, client.Options{RatePerMinute: 600})
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute + time.Second)))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := c.Entries(ctx, client.Query{Org: "o", From: day, To: day.Add(time.Hour)}, discard{})
		var e *client.Error
		if !errors.As(err, &e) || e.Kind != client.Throttled || retry.IsPermanent(err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("failed only after %s", took)
		}
	})
}
