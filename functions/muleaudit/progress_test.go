package muleaudit_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Every run of a backfill that no single one has the time for gets further than
// the one before.
func TestBackfillGetsFurther(t *testing.T) {
	for _, c := range []struct {
		name           string
		orgs, events   int
		timeout, limit string
	}{
		{"busy day", 1, 24 * 5 * 20, "2m", "40"},
		{"many quiet organisations", 80, 0, "1m", "40"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var orgs []string
				for i := range c.orgs {
					orgs = append(orgs, "org-"+strconv.Itoa(i))
				}
				w := asleep(t, emulator.Options{}, map[string]string{"RUN_TIMEOUT": c.timeout, "MULE_RATE_PER_MIN": c.limit, "MULE_ORG_ID": strings.Join(orgs, ","), "MULE_PAGE_SIZE": "20"})
				from := time.Now().UTC().Truncate(24 * time.Hour).Add(-48 * time.Hour)
				for _, o := range orgs {
					w.api.AddOrg(o, "")
					if c.events > 0 {
						w.api.AddSynthetic(o, emulator.Synthetic{N: c.events, From: from, To: from.Add(24 * time.Hour)})
					}
				}
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				var runs int
				var left []string
				_ = w.function().Backfill(ctx, from, from.Add(24*time.Hour), nil, func(r *muleaudit.Receipt, _ time.Time) {
					runs++
					left = append(left, strings.Join(r.Remaining, "; "))
					if runs == 3 {
						cancel()
					}
				})
				if runs == 3 && left[0] != "" && left[2] == left[0] {
					t.Errorf("what remains after the first run remains after the third: %.200s", left[0])
				}
				if runs < 2 {
					t.Errorf("%d runs: the budget was too large", runs)
				}
			})
		})
	}
}

// Scheduled runs get done what several runs have the budget for, also where that
// is one slice.
func TestRunsGetFurther(t *testing.T) {
	for _, c := range []struct {
		name, concurrency string
		synthetic         func() emulator.Synthetic
	}{
		{"four slices at once", "4", func() emulator.Synthetic { return emulator.Synthetic{N: 5 * 240, From: aligned(5), To: aligned(0)} }},
		{"one large slice", "1", func() emulator.Synthetic {
			return emulator.Synthetic{N: 1000, From: aligned(2), To: aligned(2).Add(time.Hour)}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := asleep(t, emulator.Options{}, map[string]string{"RUN_TIMEOUT": "30s", "MULE_RATE_PER_MIN": "60", "MULE_CONCURRENCY": c.concurrency, "MULE_PAGE_SIZE": "20", "MULE_LOOKBACK": "4h"})
				w.api.AddSynthetic("org-1", c.synthetic())
				f := w.function()
				var out int64
				for range 4 {
					r, err := w.run(f, "{}")
					if err != nil {
						t.Fatal(err)
					}
					if r.Status != receipt.OK && r.Out == 0 {
						t.Error("a run spent its budget and delivered nothing")
					}
					out += r.Out
				}
				if out < 900 {
					t.Errorf("four runs delivered %d events", out)
				}
			})
		})
	}
}

// Looking behind leaves budget for what is new.
func TestWatermarksMoveInSpiteOfTheOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var orgs []string
		for i := range 20 {
			orgs = append(orgs, "org-"+strconv.Itoa(i))
		}
		w := asleep(t, emulator.Options{}, map[string]string{"RUN_TIMEOUT": "1m", "MULE_RATE_PER_MIN": "40", "MULE_ORG_ID": strings.Join(orgs, ",")})
		mark := time.Now().UTC().Add(-6 * time.Hour).Truncate(time.Hour).Add(30 * time.Minute)
		for i, o := range orgs {
			w.api.AddSynthetic(o, emulator.Synthetic{Seed: uint64(i), N: 24 * 10, From: aligned(24), To: aligned(0)})
			if err := w.state.CreateJSON(context.Background(), "muleaudit/"+o+"/watermark/"+mark.Format("20060102T150405.000Z"), "x"); err != nil {
				t.Fatal(err)
			}
		}
		f := w.function()
		for range 2 {
			r, err := w.run(f, "{}")
			if err != nil {
				t.Fatal(err)
			}
			behind := 0
			for _, o := range r.Orgs {
				if !o.Done.After(mark) {
					behind++
				}
			}
			if behind == 0 {
				return
			}
		}
		t.Error("after two runs with a budget of twice the organisations some are where they were")
	})
}

// A backfill of twenty organisations that takes five budgets ends within twice
// the runs and requests that it needs, and each event is out once.
func TestBackfillOfFiveBudgetsEndsInTen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pagesPerOrg, pageSize, perRun = 75, 5, 313
		w := asleep(t, emulator.Options{RatePerMinute: 40, Sliding: true}, map[string]string{"MULE_RATE_PER_MIN": "40", "MULE_PAGE_SIZE": fmt.Sprint(pageSize)})
		var orgs []string
		day := aligned(0).Truncate(24 * time.Hour).Add(-24 * time.Hour)
		want := map[string][]emulator.Event{}
		for i := range 20 {
			org := fmt.Sprint("org-", i)
			orgs = append(orgs, org)
			want[org] = emulator.Generate(org, emulator.Generated{Seed: uint64(i), N: pagesPerOrg*pageSize - 3, From: day, To: day.Add(24 * time.Hour)})
			if err := w.api.Add(org, want[org]...); err != nil {
				t.Fatal(err)
			}
		}
		w.env["MULE_ORG_ID"] = strings.Join(orgs, ",")
		message := fmt.Sprintf(`{"from":%q,"to":%q}`, day.Format(time.RFC3339), day.Add(24*time.Hour).Format(time.RFC3339))
		f := w.function()
		runs := 0
		for status := 503; status == 503; runs++ {
			var answer string
			if status, answer = w.post(f, message); status != 200 && status != 503 || runs == 20 {
				t.Fatalf("run %d: %d %.300s", runs, status, answer)
			}
		}
		m := w.api.Metrics()
		const least = 20 * pagesPerOrg
		t.Logf("%d runs, %d requests; %d budgets, %d pages", runs, m.Requests["query"], least/perRun, least)
		if runs > 10 || m.Requests["query"] > 2*least {
			t.Errorf("%d runs, %d requests for %d pages", runs, m.Requests["query"], least)
		}
		w.wantExactly(hour, want)
		w.wantTidy()
		if keys, err := w.state.Keys(t.Context(), "muleaudit/org-1/backfill"); err != nil || len(keys) > 0 {
			t.Errorf("%v, %v", keys, err)
		}
		// Asked for once more, it looks for what has come since.
		late := entry(day.Add(time.Hour), "late")
		if err := w.api.Add("org-7", late); err != nil {
			t.Fatal(err)
		}
		w.env["RUN_TIMEOUT"] = "10h"
		if r := w.mustRun(w.function(), message); r.Out != 1 {
			t.Errorf("%d new", r.Out)
		}
	})
}

// An hour that holds three times what a run can read is out after the ticks that
// it takes, wherever the API cuts the bounds of a query that begins inside a slice.
func TestHourOfThreeBudgets(t *testing.T) {
	for name, d := range map[string]emulator.Deviations{
		"as documented": {}, "exclusive": {Start: emulator.Exclusive, End: emulator.Exclusive}, "by seconds": {Start: emulator.Seconds, End: emulator.Seconds},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const perRun = 313
				w := asleep(t, emulator.Options{RatePerMinute: 40, Sliding: true, Deviations: d}, map[string]string{"MULE_RATE_PER_MIN": "40", "MULE_PAGE_SIZE": "5", "MULE_LOOKBACK": "3h"})
				events := emulator.Generate("org-1", emulator.Generated{Seed: 1, N: 3 * perRun * 5, From: aligned(2), To: aligned(1)})
				if err := w.api.Add("org-1", events...); err != nil {
					t.Fatal(err)
				}
				f := w.function()
				runs := 1
				for r, err := w.run(f, "{}"); err != nil || r.Status != receipt.OK; r, err = w.run(f, "{}") {
					if runs++; err != nil || runs > 6 {
						t.Fatalf("run %d: %v, %d out", runs, err, r.Out)
					}
				}
				w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
				w.wantTidy()
				keys, err := w.output.Keys(t.Context(), "")
				if err != nil || len(keys) > 5*runs {
					t.Errorf("%d objects after %d runs, %v", len(keys), runs, err)
				}
				if r := w.mustRun(f, "{}"); r.Out > 0 {
					t.Errorf("again: %+v", r.Core)
				}
				v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{})
				if err != nil || v[0].Found > 0 {
					t.Errorf("%+v, %v", v, err)
				}
			})
		})
	}
}

// A first run that has the time for a third of its day, on a budget that one walk
// cannot spend: each of the walks side by side goes on where it stood.
func TestWalksSideBySideGoOnWhereTheyStood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := asleep(t, emulator.Options{Latency: 300 * time.Millisecond}, map[string]string{"MULE_RATE_PER_MIN": "700", "MULE_PAGE_SIZE": "5", "RUN_TIMEOUT": "1m"})
		const pages = 2000
		events := emulator.Generate("org-1", emulator.Generated{Seed: 2, N: pages * 5, From: aligned(23), To: aligned(0).Add(-10 * time.Minute)})
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		runs := 1
		for r, err := w.run(w.function(), "{}"); err != nil || r.Status != receipt.OK; r, err = w.run(w.function(), "{}") {
			if runs++; err != nil || runs > 8 {
				t.Fatalf("run %d: %v", runs, err)
			}
		}
		m := w.api.Metrics()
		t.Logf("%d runs, %d requests for %d pages", runs, m.Requests["query"], pages)
		if m.MaxInFlight < 3 || runs > 5 || m.Requests["query"] > pages*5/4 {
			t.Errorf("%d runs, %d requests for %d pages, %d at a time", runs, m.Requests["query"], pages, m.MaxInFlight)
		}
		w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
		if keys, err := w.state.Keys(t.Context(), "muleaudit/org-1/ahead"); err != nil || len(keys) > 0 {
			t.Errorf("%v, %v", keys, err)
		}
	})
}

// What a run that was cut off has read ahead of the watermark is looked at again
// as what lies behind it is: an event that came late there is out with the next
// run that reads all.
func TestLateEventsAheadOfTheWatermark(t *testing.T) {
	for name, ran := range map[string]bool{"after a run": true, "before any run has ended": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := asleep(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "org-1", "MULE_LOOKBACK": "3h", "MULE_OVERLAP": "6h"})
				w.api.AddOrg("org-1", "")
				f := w.function()
				if ran {
					w.mustRun(f, "{}")
				}
				time.Sleep(2 * time.Hour)
				now := time.Now().UTC()
				ahead := map[string]any{"done": []map[string]time.Time{{"from": now.Add(-time.Hour), "to": now.Add(-30 * time.Minute)}}}
				if err := w.state.PutJSON(t.Context(), "muleaudit/org-1/ahead", ahead); err != nil {
					t.Fatal(err)
				}
				if err := w.api.Add("org-1", entry(now.Add(-45*time.Minute), "late")); err != nil {
					t.Fatal(err)
				}
				if r := w.mustRun(f, "{}"); r.Out != 1 {
					t.Errorf("%d events are out", r.Out)
				}
				if r := w.mustRun(f, "{}"); r.Out != 0 {
					t.Errorf("after a run that did all, another exported %d", r.Out)
				}
			})
		})
	}
}
