package receipt_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// store is an object store that is reached without a network, so that time can
// be skipped. It dates objects by the second, and by a clock that is late by at
// most so much.
func store(late time.Duration) (*oss.Server, *oss.Bucket) {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(1, 2))
	s := oss.New(oss.Options{AccessKeyID: outagetest.KeyID, AccessKeySecret: outagetest.Secret, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(-time.Duration(rng.Int64N(int64(late + 1))))
	}})
	return s, s.AddBucket("state")
}

// openStore opens the store's bucket. Its requests pass the gate of their
// context.
func openStore(t *testing.T, s *oss.Server) *bucket.Bucket {
	t.Helper()
	b, err := bucket.Open(t.Context(), outagetest.BucketURL("http://localhost", "state"), outagetest.WithKeys(),
		bucket.WithTransport(func(http.RoundTripper) http.RoundTripper { return throughGate{s} }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// openMem opens a bucket in memory, whose operations pass the gate of their
// context.
func openMem(t *testing.T) *bucket.Bucket {
	t.Helper()
	b := newHistory(t, "mem://").state
	b.Guard(func(ctx context.Context, key string, write bool) error {
		what := "read"
		switch {
		case write:
			what = "write"
		case strings.HasSuffix(key, "/"):
			what = "list"
		}
		g := gateOf(ctx)
		how, _ := g.pass(what)
		if err := ctx.Err(); err != nil {
			return err
		}
		return map[fails]error{before: io.ErrUnexpectedEOF, denied: io.ErrUnexpectedEOF, dead: errDead}[how]
	})
	return b
}

// gate is what is between one process and the store.
type gate struct {
	wait func() time.Duration    // before a request is served, and after it
	fail func(what string) fails // nil: never
	// kill, if set, is called before each request, and tells that the process
	// dies then or, if after, once it is served.
	kill func() (now, after bool)

	mu   sync.Mutex
	made map[string]int // requests, by kind
}

type gateKey struct{}

func (g *gate) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, gateKey{}, g)
}

func gateOf(ctx context.Context) *gate {
	if g, ok := ctx.Value(gateKey{}).(*gate); ok {
		return g
	}
	return &gate{}
}

// fails is how a request fails.
type fails int

const (
	not    fails = iota
	before       // not served
	after        // served, and the answer is lost
	denied
	dead
)

var errDead = errors.New("the process is dead")

// pass lets a request pass, and tells how it fails and whether the process dies
// once it is served.
func (g *gate) pass(what string) (how fails, dies bool) {
	g.mu.Lock()
	if g.made == nil {
		g.made = map[string]int{}
	}
	g.made[what]++
	g.mu.Unlock()
	now := false
	if g.kill != nil {
		now, dies = g.kill()
	}
	if g.fail != nil {
		how = g.fail(what)
	}
	g.pause()
	if now {
		how = dead
	}
	return how, dies
}

func (g *gate) pause() {
	if g.wait != nil {
		time.Sleep(g.wait())
	}
}

// throughGate is a transport to a server in this process.
type throughGate struct{ server http.Handler }

func (t throughGate) RoundTrip(r *http.Request) (*http.Response, error) {
	g := gateOf(r.Context())
	what := map[string]string{http.MethodPut: "write", http.MethodGet: "read", http.MethodDelete: "delete", http.MethodHead: "look"}[r.Method]
	if r.URL.Query().Has("list-type") {
		what = "list"
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	how, dies := g.pass(what)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	switch how {
	case before:
		return nil, io.ErrUnexpectedEOF
	case dead:
		return nil, errDead
	case denied:
		return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	}
	served := r.Clone(context.Background())
	served.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	t.server.ServeHTTP(rec, served)
	switch {
	case dies:
		return nil, errDead
	case how == after:
		return nil, io.ErrUnexpectedEOF
	}
	g.pause()
	res := rec.Result()
	res.Request = r
	return res, nil
}

// life is the schedule of a function's runs, drawn from a seed.
type life struct {
	*history
	mu  sync.Mutex
	rng *rand.Rand
	// deaf is from when to when lists are refused.
	deaf, hears time.Time
	wg          sync.WaitGroup
}

func (l *life) n(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rng.IntN(n)
}

func (l *life) chance(percent int) bool { return l.n(100) < percent }

// latency is some milliseconds, and seldom seconds.
func (l *life) latency() time.Duration {
	if l.chance(2) {
		return time.Duration(l.n(4000)) * time.Millisecond
	}
	return time.Duration(5+l.n(150)) * time.Millisecond
}

func (l *life) fault(what string) fails {
	if now := time.Now(); what == "list" && now.After(l.deaf) && now.Before(l.hears) {
		return denied
	}
	switch n := l.n(100); {
	case n < 2:
		return before
	case n < 4:
		return after
	}
	return not
}

// live is one run: it keeps receipts while it goes on or not, ends well, fails or
// is killed at any request, by a clock that may be wrong by minutes, or is of a
// release before there was a chain.
func (l *life) live() {
	g := &gate{wait: l.latency, fail: l.fault}
	ctx, cancel := context.WithCancel(g.context(context.Background()))
	defer cancel()
	wrong := time.Duration(l.n(720)-360) * time.Second
	c := receipt.Start("f")
	c.StartedAt = c.StartedAt.Add(wrong)
	old := l.chance(8)
	keep := func() {
		var err error
		if old {
			err = l.state.PutJSON(ctx, c.Key(), &c)
		} else {
			err = receipt.Save(ctx, l.state, &c)
		}
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errDead) && !errors.Is(err, io.ErrUnexpectedEOF) {
			l.Error(err)
		}
	}
	for range l.n(3) {
		time.Sleep(time.Duration(l.n(600)) * time.Second)
		c.Status = receipt.Running
		keep()
	}
	time.Sleep(time.Duration(l.n(300)) * time.Second)
	if l.chance(3) {
		time.Sleep(2 * time.Hour)
	}
	if l.chance(20) {
		left := 1 + l.n(6)
		var mu sync.Mutex
		g.kill = func() (now, after bool) {
			mu.Lock()
			defer mu.Unlock()
			if left--; left > 0 {
				return false, false
			}
			defer time.AfterFunc(0, cancel)
			return left < 0 || l.chance(50), left == 0
		}
	}
	c.Finish(receipt.Outcome{Status: receipt.OK})
	c.FinishedAt = c.FinishedAt.Add(wrong)
	keep()
}

// Whatever runs do, at once and to the end or not, on a store that fails now and
// then: nothing is found that is not so, at any time, and in the end each
// receipt is followed by another. Each that is then removed is missed, and no
// other.
func TestNothingIsFoundThatIsNotSo(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			var b *bucket.Bucket
			if seed%10 < 7 {
				b = openMem(t)
			} else {
				s, _ := store(3 * time.Second)
				b = openStore(t, s)
			}
			l := &life{history: &history{t, b}, rng: rand.New(rand.NewPCG(seed, 1))}
			l.deaf = time.Now().Add(time.Duration(l.n(150)) * time.Minute)
			l.hears = l.deaf.Add(time.Duration(l.n(30)) * time.Minute)
			for range 40 {
				at := time.Duration(l.n(180*60)) * time.Second
				for range 1 + max(0, l.n(60)-50) { // some of them at once
					l.wg.Go(func() { time.Sleep(at); l.live() })
				}
			}
			for range 5 {
				at := time.Duration(l.n(200*60)) * time.Second
				l.wg.Go(func() {
					time.Sleep(at)
					l.wantAt((&gate{wait: l.latency}).context(context.Background()), "on the way")
				})
			}
			l.wg.Wait()
			for range 3 {
				time.Sleep(10 * time.Minute)
				l.run()
			}
			if told := l.want("in the end"); told.Unfollowed != 1 || told.Chained < 25 {
				t.Errorf("seed %d: %+v", seed, told)
			}
			for i, key := range l.ended() {
				if seed > 0 && i%10 != 0 {
					continue
				}
				text := l.read(key)
				l.remove(key)
				l.want("removed", "missing "+key)
				l.write(key, text)
			}
		})
	}
}

// ended lists the receipts of runs that have ended but the last.
func (h *history) ended() []string {
	h.Helper()
	keys, err := h.state.Keys(h.Context(), "f/receipts/")
	if err != nil {
		h.Fatal(err)
	}
	keys = slices.DeleteFunc(keys, func(key string) bool {
		n, err := receipt.NameOf(key)
		return err != nil || !n.Ended()
	})
	return keys[:len(keys)-1]
}

// Saving a receipt costs a list and a read beside the write, however many there
// are.
func TestCostOfSaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, objects := store(0)
		h := &history{t, openStore(t, s)}
		cost := func(what string, want map[string]int) {
			t.Helper()
			var g gate
			c := receipt.Start("f")
			c.Finish(receipt.Outcome{Status: receipt.OK})
			if err := receipt.Save(g.context(t.Context()), h.state, &c); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %v, %d bytes", what, g.made, len(h.read(c.Key())))
			for kind, n := range g.made {
				if n > want[kind] {
					t.Errorf("%s: %v, want at most %v", what, g.made, want)
				}
			}
		}
		usual := map[string]int{"list": 1, "read": 1, "write": 1}
		cost("the first", map[string]int{"list": 3, "write": 1})
		for _, n := range []int{1000, 100_000} {
			text := h.read(h.run())
			for i := range n {
				at := time.Now().Add(-time.Duration(n-i) * 15 * time.Minute)
				objects.Fill(under(text, at, "AAAAAAAAAA"), text, at)
			}
			time.Sleep(15 * time.Minute)
			cost("a run every quarter of an hour", usual)
		}
		time.Sleep(24 * time.Hour)
		cost("one a day", map[string]int{"list": 2, "read": 1, "write": 1})
		time.Sleep(90 * 24 * time.Hour)
		cost("one after a quarter of a year", map[string]int{"list": 6, "read": 1, "write": 1})
	})
}

// Where receipts are saved by the hundred a second, each stays small, and all are
// followed.
func TestAHundredRunsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate, seconds = 100, 15
		h := &history{t, openMem(t)}
		h.runs(3, time.Minute)
		g := &gate{wait: func() time.Duration { return 50 * time.Millisecond }}
		var mu sync.Mutex
		var wg sync.WaitGroup
		most, sum := 0, 0
		for i := range rate * seconds {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Second / rate)
				c := receipt.Start("f")
				c.Finish(receipt.Outcome{Status: receipt.OK})
				if err := receipt.Save(g.context(t.Context()), h.state, &c); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				n := len(h.read(c.Key()))
				most, sum = max(most, n), sum+n
				if c.Follows.Why != "" {
					t.Error(c.Follows.Why)
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Minute)
		h.run()
		told := h.want("nothing")
		t.Logf("%d bytes a receipt, at most %d; %d lists, %d reads of %d runs", sum/rate/seconds, most, g.made["list"], g.made["read"], rate*seconds)
		if told.Chained != rate*seconds+3 || most > 16<<10 {
			t.Errorf("%+v, at most %d bytes", told, most)
		}
	})
}
