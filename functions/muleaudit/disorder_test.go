package muleaudit_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// One slice makes a few objects, also where the API's order is off by up to half a
// minute, and these are in order.
func TestDisorderMakesFewObjects(t *testing.T) {
	for _, jitter := range []int64{0, 5, 1000, 29_000} {
		w := newWorld(t, emulator.Options{}, map[string]string{"MULE_LOOKBACK": "2h"})
		random := rand.New(rand.NewPCG(1, 2))
		var events []emulator.Event
		for i := range 2000 {
			at := aligned(1).Add(time.Duration(i) * 300 * time.Millisecond)
			events = append(events, emulator.Event{Time: at, Raw: fmt.Appendf(nil, `{"timestamp":%d,"n":%d}`, at.UnixMilli()+random.Int64N(jitter+1), i)})
		}
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		f := w.function()
		if r := w.mustRun(f, "{}"); len(r.Orgs[0].Objects) != 1 || r.Orgs[0].Unordered > 0 {
			t.Errorf("jitter of %d ms: %d events in %d objects", jitter, r.Out, len(r.Orgs[0].Objects))
		}
		w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
		if r := w.mustRun(f, "{}"); r.Out > 0 {
			t.Errorf("again: %+v", r.Core)
		}
	}
}

// An API that answers with the newest first costs order, which is counted, but no
// event.
func TestAPIWithoutOrder(t *testing.T) {
	for _, slice := range []time.Duration{time.Hour, 24 * time.Hour} {
		w := newWorld(t, emulator.Options{Deviations: emulator.Deviations{Descending: true}}, map[string]string{"MULE_LOOKBACK": "5h", "MULE_SLICE": slice.String()})
		events := emulator.Generate("org-1", emulator.Generated{Seed: 4, N: 1500, From: aligned(3), To: aligned(1), Large: 60_000, LargeEvery: 10})
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		f := w.function()
		r := w.mustRun(f, "{}")
		if r.Orgs[0].Unordered == 0 || r.Out != int64(len(events)) {
			t.Errorf("receipt %+v, %d out of order", r.Core, r.Orgs[0].Unordered)
		}
		perSlice := map[string]int{}
		lines := map[string]int{}
		for _, o := range r.Orgs[0].Objects {
			perSlice[objectName.FindStringSubmatch(o.Name)[3]]++
			for _, line := range w.object(o.Name) {
				lines[line]++
				var e struct{ Timestamp int64 }
				start, err := time.Parse("20060102T150405Z", objectName.FindStringSubmatch(o.Name)[3])
				if err != nil || json.Unmarshal([]byte(line), &e) != nil || !time.UnixMilli(e.Timestamp).UTC().Truncate(slice).Equal(start) {
					t.Fatalf("%s: %s", o.Name, line)
				}
			}
		}
		for _, e := range events {
			if lines[compact(t, e.Raw)] != 1 {
				t.Fatalf("%.80s is there %d times", e.Raw, lines[compact(t, e.Raw)])
			}
		}
		for start, n := range perSlice {
			if n > 4 {
				t.Errorf("slice %s has %d objects", start, n)
			}
		}
		if r := w.mustRun(f, "{}"); r.Out > 0 {
			t.Errorf("again: %+v", r.Core)
		}
	}
}

// Also there an hour that holds three times what a run can read is out in the end.
func TestHourOfThreeBudgetsWithoutOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := asleep(t, emulator.Options{Deviations: emulator.Deviations{Descending: true}}, map[string]string{"MULE_RATE_PER_MIN": "40", "MULE_PAGE_SIZE": "5", "MULE_LOOKBACK": "3h"})
		const perRun = 313
		events := emulator.Generate("org-1", emulator.Generated{Seed: 1, N: 3 * perRun * 5, From: aligned(2), To: aligned(1)})
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		f := w.function()
		runs := 1
		for r, err := w.run(f, "{}"); err != nil || r.Status != receipt.OK; r, err = w.run(f, "{}") {
			if runs++; err != nil || runs > 8 {
				t.Fatalf("run %d: %v, %d out", runs, err, r.Out)
			}
		}
		t.Logf("%d runs, %d requests", runs, w.api.Metrics().Requests["query"])
		if r := w.mustRun(f, "{}"); r.Out > 0 {
			t.Errorf("again: %+v", r.Core)
		}
	})
}
