package muleaudit_test

import (
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// A run is not ok, and no watermark moves, while the API announces more than it
// hands out.
func TestTruncatedPagesAreNotOK(t *testing.T) {
	for name, d := range map[string]emulator.Deviations{
		"no cursor":        {NoCursor: true},
		"repeating cursor": {StuckAfter: 600},
		"empty page":       {EmptyAfter: 600},
		"total too large":  {Total: func(n int) int { return 2 * n }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{Deviations: d}, map[string]string{"MULE_LOOKBACK": "2h"})
			w.api.AddSynthetic("org-1", emulator.Synthetic{N: 2000, From: aligned(1), To: aligned(1).Add(30 * time.Minute)})
			r, err := w.run(w.function(), "{}")
			if err == nil || retry.IsPermanent(err) {
				t.Errorf("%v (permanent %v), status %s with %d of 2000 events", err, retry.IsPermanent(err), r.Status, r.Out)
			}
			// The hour before it may be done.
			if r.Out > 0 || r.Orgs[0].Done.After(aligned(1)) {
				t.Errorf("%d events, done to %v", r.Out, r.Orgs[0].Done)
			}
		})
	}
}

// Pages that look cut off and are not lose nothing: what says that there is more
// is followed, whatever else the answer says.
func TestOddPagesAreReadToTheirEnd(t *testing.T) {
	for name, d := range map[string]emulator.Deviations{
		"short pages":                    {PageCap: 7},
		"an empty page in the middle":    {HoleAfter: 600, Total: func(int) int { return -1 }},
		"no total":                       {Total: func(int) int { return -1 }},
		"total too small":                {Total: func(n int) int { return n / 3 }},
		"total too small, short pages":   {PageCap: 50, Total: func(n int) int { return n / 3 / 50 * 50 }},
		"total of one, and newest first": {Descending: true, Total: func(n int) int { return min(n, 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{Deviations: d}, map[string]string{"MULE_LOOKBACK": "4h"})
			w.api.AddSynthetic("org-1", emulator.Synthetic{N: 2000, From: aligned(3), To: aligned(1).Add(30 * time.Minute)})
			f := w.function()
			for _, want := range []int64{2000, 0} {
				r, err := w.run(f, "{}")
				if err != nil || r.Out != want {
					t.Fatalf("%d of %d events, %v", r.Out, want, err)
				}
			}
		})
	}
}

// Wherever the API cuts a span, each event is out once, and verify agrees.
func TestBoundsOfTheAPIDoNotMatter(t *testing.T) {
	for _, end := range []emulator.Bound{emulator.Inclusive, emulator.Exclusive, emulator.Seconds} {
		w := newWorld(t, emulator.Options{Deviations: emulator.Deviations{End: end}}, map[string]string{"MULE_SLICE": "30m"})
		var events []emulator.Event
		for half := range 6 {
			for _, off := range []time.Duration{-time.Second, -time.Millisecond, 0, time.Millisecond, time.Second} {
				at := aligned(4).Add(time.Duration(half)*30*time.Minute + off)
				events = append(events, entry(at, "first of a pair"), entry(at, "second of a pair"))
			}
		}
		if err := w.api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		f := w.function()
		r := w.mustRun(f, "{}")
		if o := r.Orgs[0]; o.APITotal != int64(len(events)) || r.In != o.APITotal || r.Out != r.In {
			t.Errorf("end %d: counted %d, receipt %+v", end, o.APITotal, r.Core)
		}
		w.wantExactly(30*time.Minute, map[string][]emulator.Event{"org-1": events})

		verify := func() int {
			v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{})
			if err != nil || v[0].APITotal < int64(len(events)) {
				t.Fatalf("end %d: %+v, %v", end, v, err)
			}
			return len(v[0].Findings)
		}
		if n := verify(); n > 0 {
			t.Errorf("end %d: %d findings", end, n)
		}
		late := entry(aligned(3).Add(-time.Millisecond), "late, at the edge")
		if err := w.api.Add("org-1", late); err != nil {
			t.Fatal(err)
		}
		if n := verify(); n != 1 {
			t.Errorf("end %d: %d findings after a late event at an edge", end, n)
		}
	}
}
