package muleaudit_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// chaosOf are events that hit what is hard: many in a millisecond, on the edges
// of slices, and some that are seen only later.
func chaosOf(rng *rand.Rand, org string, n int, slice time.Duration) (now, later []emulator.Event) {
	from := time.Now().UTC().Truncate(slice).Add(-6 * slice)
	for i := range n {
		at := from.Add(time.Duration(rng.Int64N(int64(5 * slice))))
		switch rng.IntN(4) {
		case 0:
			at = at.Truncate(slice)
		case 1:
			at = at.Truncate(slice).Add(-time.Millisecond)
		}
		at = latestOf(at, from)
		e := entry(at, fmt.Sprintf("%s %d %s", org, i, strings.Repeat("x", rng.IntN(300))))
		if rng.IntN(5) == 0 {
			later = append(later, e)
		} else {
			now = append(now, e)
		}
	}
	return now, later
}

func latestOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

var everyFault = map[fault.Kind]float64{
	fault.Error500: 0.04, fault.Error503: 0.02, fault.Error429: 0.02, fault.Error401: 0.03,
	fault.ResetBefore: 0.03, fault.ResetAfter: 0.03, fault.ResetMid: 0.05, fault.Truncate: 0.05,
}

func TestExactlyOnceUnderFaults(t *testing.T) {
	const kindsMet = 6 // of everyFault
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(seed), 7))
			const slice = 30 * time.Minute
			w := newWorld(t, emulator.Options{TokenTTL: time.Minute, Gzip: seed%2 == 0}, map[string]string{
				"MULE_ORG_ID": "a,b", "MULE_SLICE": slice.String(), "MULE_LOOKBACK": "4h", "MULE_OVERLAP": "4h", "MULE_PAGE_SIZE": "50",
			})
			want := map[string][]emulator.Event{}
			late := map[string][]emulator.Event{}
			for _, org := range []string{"a", "b"} {
				now, later := chaosOf(rng, org, 1500, slice)
				want[org], late[org] = append(slices.Clone(now), later...), later
				if err := w.api.Add(org, now...); err != nil {
					t.Fatal(err)
				}
			}
			w.api.Faults.Random(uint64(seed), everyFault)

			// Two functions, as on two instances, each with runs that are cut off
			// at any moment, tokens that are revoked, and events that come late.
			var wg sync.WaitGroup
			for range 2 {
				f, r := w.function(), rand.New(rand.NewPCG(rng.Uint64(), 1))
				wg.Go(func() {
					// A slow machine meets as many kinds of fault, in more runs and longer ones.
					for n := 0; n < 8 || n < 100 && len(w.api.Faults.Counts()) < kindsMet; n++ {
						ctx, cancel := context.WithTimeout(context.Background(), time.Duration(r.IntN(400)+10*n)*time.Millisecond)
						_, _ = f.Run(ctx, trigger.Event{Kind: trigger.Tick}) // fails often, and may
						cancel()
					}
				})
			}
			for i := range 10 {
				time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
				w.api.RevokeTokens()
				for org, events := range late {
					part := events[len(events)*i/10 : len(events)*(i+1)/10]
					if err := w.api.Add(org, part...); err != nil {
						t.Error(err)
					}
				}
			}
			wg.Wait()
			w.finish()
			w.wantExactly(slice, want)
			w.wantPublished()
			if n := w.api.Faults.Counts(); len(n) < kindsMet {
				t.Errorf("only these faults were met: %v", n)
			}
		})
	}
}

// finish ends the faults and runs until all is done.
func (w *world) finish() {
	w.t.Helper()
	w.api.Faults.Random(0, nil)
	f := w.function()
	w.mustRun(f, "{}")
	if r := w.mustRun(f, "{}"); r.Out != 0 {
		w.t.Errorf("after a run that did all, another exported %d", r.Out)
	}
}

func TestExactlyOnceThroughKills(t *testing.T) {
	const kills = 60
	bin := proctest.Build(t, "./cmd/muleaudit")
	const slice = 10 * time.Minute
	w := newWorld(t, emulator.Options{Latency: 2 * time.Millisecond}, map[string]string{
		"MULE_SLICE": slice.String(), "MULE_LOOKBACK": "2h", "MULE_OVERLAP": "2h", "MULE_PAGE_SIZE": "40",
	})
	rng := rand.New(rand.NewPCG(42, 7))
	now, late := chaosOf(rng, "org-1", 4000, slice)
	want := append(slices.Clone(now), late...)
	if err := w.api.Add("org-1", now...); err != nil {
		t.Fatal(err)
	}
	// Refused for a moment only: without Retry-After the client would wait longer
	// than a process lives here.
	w.api.Faults.Answer = func(rw http.ResponseWriter, _ *http.Request, status int) {
		rw.Header().Set("Retry-After", "0")
		rw.WriteHeader(status)
	}
	w.api.Faults.Random(1, map[fault.Kind]float64{
		fault.ResetMid: 0.01, fault.Truncate: 0.01, fault.Error500: 0.01, fault.Error401: 0.01, fault.Error429: 0.01, fault.Error503: 0.01,
	})

	for i := range kills {
		p := proctest.Start(t, bin, w.env)
		var wg sync.WaitGroup
		for range 1 + i%2 { // every other time two triggers at once
			wg.Go(func() { _, _, _ = p.Post(t.Context(), pubsub("{}"), nil) }) // cut off, unless it is quick
		}
		answered := make(chan struct{})
		go func() { wg.Wait(); close(answered) }()
		w.letRun(rng.IntN(120), time.Duration(rng.IntN(10))*time.Millisecond, answered)
		p.Kill()
		<-answered
		part := late[len(late)*i/kills : len(late)*(i+1)/kills]
		if err := w.api.Add("org-1", part...); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := w.output.Keys(t.Context(), ""); err != nil || len(keys) == 0 {
		t.Errorf("no object survived %d kills: %v", kills, err)
	}
	w.api.Faults.Random(0, nil)
	p := proctest.Start(t, bin, w.env)
	if status, answer, err := p.Post(t.Context(), pubsub("{}"), nil); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	w.wantExactly(slice, map[string][]emulator.Event{"org-1": want})
	w.wantPublished()
	if err := p.Stop(syscall.SIGTERM, time.Minute); err != nil {
		t.Error(err)
	}
	w.wantNoSecret(p.Output())
}

// letRun waits until the API has been asked n times more, so that a kill hits
// the work wherever the machine's speed has brought it, and a moment longer; or
// until all is answered.
func (w *world) letRun(n int, moment time.Duration, answered <-chan struct{}) {
	asked := func() int { return w.api.Metrics().Requests["query"] }
	for until := asked() + n; asked() < until; {
		select {
		case <-answered:
			return
		case <-time.After(time.Millisecond):
		}
	}
	time.Sleep(moment)
}

func TestSigtermInMidRunEndsInGoodOrder(t *testing.T) {
	bin := proctest.Build(t, "./cmd/muleaudit")
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_PAGE_SIZE": "20"})
	events := emulator.Generate("org-1", emulator.Generated{Seed: 8, N: 5000, From: aligned(20), To: aligned(1)})
	if err := w.api.Add("org-1", events...); err != nil {
		t.Fatal(err)
	}
	// After 60 of some 250 pages the API comes to a halt, so that the signal finds
	// the run under way however fast the machine is.
	halted := make(chan struct{})
	var once sync.Once
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.api.Metrics().Requests["query"] < 60 {
			w.api.ServeHTTP(rw, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // or it would not be told that the client is gone
		once.Do(func() { close(halted) })
		<-r.Context().Done()
	}))
	defer front.Close()
	direct := w.env["MULE_BASE_URL"]
	w.env["MULE_BASE_URL"] = front.URL
	p := proctest.Start(t, bin, w.env)
	type answer struct {
		status int
		body   []byte
		err    error
	}
	got := make(chan answer, 1)
	go func() {
		var a answer
		a.status, a.body, a.err = p.Post(t.Context(), pubsub("{}"), nil)
		got <- a
	}()
	<-halted
	if err := p.Stop(syscall.SIGTERM, time.Minute); err != nil {
		t.Error(err)
	}
	a := <-got
	w.env["MULE_BASE_URL"] = direct
	if a.err != nil || a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), `"status":"partial"`) || !strings.Contains(string(a.body), `"remaining"`) {
		t.Errorf("%d %s %v", a.status, a.body, a.err)
	}
	w.finish()
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
}

func TestMissingConfigurationEndsTheProcess(t *testing.T) {
	bin := proctest.Build(t, "./cmd/muleaudit")
	out, err := proctest.Run(t, bin, map[string]string{"CLIENT_SECRET": secret, "MULE_SLICE": "7m"})
	if err == nil {
		t.Error("it ran")
	}
	for _, name := range []string{"MULE_ORG_ID", "CLIENT_ID", "GCS_BUCKET", "STATE_URL", "MULE_SLICE"} {
		if strings.Count(out, name+": ") != 1 {
			t.Errorf("%s is not named once in %s", name, out)
		}
	}
	if strings.Contains(out, secret) || strings.Count(strings.TrimSpace(out), "\n") != 0 {
		t.Errorf("more than one message, or the secret: %s", out)
	}
}
