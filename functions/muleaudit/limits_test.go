package muleaudit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// The budget is one for all organisations, and each gets its share of it.
func TestBudgetIsSharedAndNotExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perMinute = 1200
		orgs := []string{"big-1", "big-2", "small"}
		w := asleep(t, emulator.Options{RatePerMinute: perMinute, Sliding: true}, map[string]string{
			"MULE_ORG_ID": strings.Join(orgs, ","), "MULE_RATE_PER_MIN": fmt.Sprint(perMinute), "MULE_PAGE_SIZE": "20", "RUN_TIMEOUT": "8s",
		})
		for i, org := range orgs {
			n := 40_000 // a hundred pages a slice: far more than eight seconds suffice for
			if org == "small" {
				n = 24 // two pages
			}
			w.api.AddSynthetic(org, emulator.Synthetic{Seed: uint64(i), N: n, From: aligned(20), To: aligned(1)})
		}
		start := time.Now()
		r, err := w.run(w.function(), "{}")
		took := time.Since(start)
		if err != nil || r.Status != receipt.Partial {
			t.Fatalf("%v, %+v", err, r)
		}
		m := w.api.Metrics()
		if m.Throttled > 0 {
			t.Errorf("%d requests were beyond the budget", m.Throttled)
		}
		// Requests leave evenly, so every second has its share.
		if n := m.Busiest(time.Second); n > perMinute/60+1 {
			t.Errorf("%d requests in one second of a budget of %d a minute", n, perMinute)
		}
		if most := int(took.Seconds()*perMinute/60) + 1; len(m.Arrivals) > most {
			t.Errorf("%d requests in %v", len(m.Arrivals), took)
		}
		for _, org := range orgs {
			least := m.Requests["query"] / 4
			if org == "small" {
				least = 2 // that is all of it
			}
			if n := m.Queries[org]; n < least {
				t.Errorf("%s got %d of %d queries", org, n, m.Requests["query"])
			}
		}
	})
}

// What a run's time does not suffice for comes first in the next.
func TestOrganisationMostBehindGoesFirst(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "a"})
	for _, org := range []string{"a", "b"} {
		w.api.AddSynthetic(org, emulator.Synthetic{N: 100, From: aligned(20), To: aligned(1)})
	}
	w.mustRun(w.function(), "{}")
	w.env["MULE_ORG_ID"] = "a,b"
	r := w.mustRun(w.function(), "{}")
	if r.Orgs[0].Org != "b" {
		t.Errorf("first was %s", r.Orgs[0].Org)
	}
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Some 600 pages of 20 ms, four at a time, are more than two seconds.
		w := asleep(t, emulator.Options{Latency: 20 * time.Millisecond}, map[string]string{"RUN_TIMEOUT": "2s", "MULE_PAGE_SIZE": "10"})
		events := emulator.Generate("org-1", emulator.Generated{Seed: 9, N: 6000, From: aligned(20), To: aligned(1)})
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		f := w.function()
		status, answer := w.post(f, "{}")
		if status != 503 || !strings.Contains(answer, `"status":"partial"`) || !strings.Contains(answer, `"remaining":["org-1: `) {
			t.Fatalf("%d %s", status, answer)
		}
		// What was read is out.
		kept := 0
		for _, n := range w.lines(hour)["org-1"] {
			kept += n
		}
		if kept == 0 || kept >= len(events) {
			t.Errorf("%d of %d events are out", kept, len(events))
		}
		// The same trigger, delivered again and again, gets through.
		for range 6 {
			if status, answer = w.post(f, "{}"); status == 200 {
				break
			}
		}
		if status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
		w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
		w.wantTidy()
	})
}

func TestDeadlineOfTheCallerCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := asleep(t, emulator.Options{Latency: 10 * time.Millisecond}, nil)
		w.api.AddSynthetic("org-1", emulator.Synthetic{N: 50_000, From: aligned(20), To: aligned(1)})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		r, err := w.function().Run(ctx, trigger.Event{Kind: trigger.Tick})
		if err != nil || r.Base().Status != receipt.Partial {
			t.Errorf("%v, %+v", err, r.Base())
		}
	})
}

// A server that does not answer is a failure and is named, though its timeout
// looks like that of a context.
func TestHangingAPIIsAFailure(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	w.api.AddOrg("org-1", "")
	w.api.Faults.Delay = time.Second
	w.api.Faults.Match = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/query") }
	w.api.Faults.Random(1, map[fault.Kind]float64{fault.Slow: 1})
	transport := &http.Transport{ResponseHeaderTimeout: 30 * time.Millisecond}
	defer transport.CloseIdleConnections()
	w.client = &http.Client{Transport: transport}
	status, answer := w.post(w.function(), "{}")
	if status != http.StatusInternalServerError || !strings.Contains(answer, "timeout awaiting response headers") {
		t.Errorf("%d %s", status, answer)
	}
}

func TestBackfill(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	from, to := aligned(100), aligned(30).Add(17*time.Minute)
	inside := emulator.Generate("org-1", emulator.Generated{Seed: 10, N: 2000, From: from, To: to})
	outside := append(emulator.Generate("org-1", emulator.Generated{Seed: 11, N: 50, From: aligned(110), To: from}),
		emulator.Generate("org-1", emulator.Generated{Seed: 12, N: 50, From: to, To: aligned(29)})...)
	if err := w.api.Add("org-1", append(inside, outside...)...); err != nil {
		t.Fatal(err)
	}
	f := w.function()
	// Interrupted after its first day, it goes on from there.
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	err := f.Backfill(ctx, from, to, nil, func(*muleaudit.Receipt, time.Time) { steps++; cancel() })
	if !errors.Is(err, context.Canceled) || steps != 1 {
		t.Fatalf("%d steps, %v", steps, err)
	}
	before := w.api.Metrics().Requests["query"]
	var last time.Time
	if err := f.Backfill(t.Context(), from, to, nil, func(_ *muleaudit.Receipt, at time.Time) { last = at }); err != nil || !last.Equal(to) {
		t.Fatalf("reached %v, %v", last, err)
	}
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": inside})
	if n := w.api.Metrics().Requests["query"] - before; n > 200 {
		t.Errorf("the second call made %d queries", n)
	}
	if keys, _ := w.state.Keys(t.Context(), "muleaudit/org-1/watermark"); len(keys) > 0 {
		t.Errorf("a backfill moved the watermark: %v", keys)
	}
	// Asked for again, it exports what has arrived since, and nothing else; also
	// where an earlier release noted that it had ended.
	ended := fmt.Sprintf(`{"Reached":%q}`, to.Format(time.RFC3339))
	for i, left := range []string{"", ended} {
		if left != "" {
			name := "muleaudit/backfill/" + from.Format("20060102T150405.000Z") + "-" + to.Format("20060102T150405.000Z")
			if err := w.state.WriteAll(t.Context(), name, []byte(left), nil); err != nil {
				t.Fatal(err)
			}
		}
		late := entry(from.Add(time.Duration(i)*hour), "late")
		if inside = append(inside, late); w.api.Add("org-1", late) != nil {
			t.Fatal("not added")
		}
		out := int64(0)
		if err := f.Backfill(t.Context(), from, to, nil, func(r *muleaudit.Receipt, _ time.Time) { out += r.Out }); err != nil || out != 1 {
			t.Errorf("again: %d events, %v", out, err)
		}
	}
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": inside})
	if keys, _ := w.state.Keys(t.Context(), "muleaudit/backfill/"); len(keys) > 0 {
		t.Errorf("left behind: %v", keys)
	}
}

func TestBackfillByMessage(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "a,b"})
	want := map[string][]emulator.Event{}
	for i, org := range []string{"a", "b"} {
		events := emulator.Generate(org, emulator.Generated{Seed: uint64(i), N: 100, From: aligned(300), To: aligned(290)})
		if err := w.api.Add(org, events...); err != nil {
			t.Fatal(err)
		}
		if org == "b" {
			want[org] = events
		}
	}
	r := w.mustRun(w.function(), fmt.Sprintf(`{"from":%q,"to":%q,"orgs":["b"]}`, aligned(300).Format(time.RFC3339), aligned(290).Format(time.RFC3339)))
	if len(r.Orgs) != 1 || r.Orgs[0].Late != 0 {
		t.Errorf("receipt %+v", r.Orgs)
	}
	w.wantExactly(hour, want)
}

func TestOrphansAreRemovedInTime(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	w.api.AddOrg("org-1", "")
	dir := strings.TrimPrefix(w.env["STATE_URL"], "file://")
	for name, age := range map[string]time.Duration{"old": 50 * time.Hour, "new": time.Hour} {
		for _, key := range []string{"staged/" + name + "/x.json.gz", "pending/20260101T000000Z-000001" + name} {
			path := filepath.Join(dir, "muleaudit", "org-1", key)
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, time.Now(), time.Now().Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.mustRun(w.function(), "{}")
	keys, err := w.state.Keys(t.Context(), "muleaudit/org-1/")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(keys, " ")
	if strings.Contains(all, "old") || strings.Count(all, "new") != 2 {
		t.Errorf("left %s", all)
	}
}
