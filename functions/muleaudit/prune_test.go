package muleaudit_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// A month is exported, and pruned twelve days later: its state goes, and nothing
// that a run or a proof still needs.
func TestPrune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const month = 30 * day
		began := time.Now().UTC()
		api := emulator.New(emulator.Options{ClientSecret: secret})
		w := worldAt(t, api, "http://localhost", map[string]string{
			"STATE_URL": "mem://", "OUTPUT_URL": "mem://", "QUARANTINE_URL": "file://" + t.TempDir(), "MULE_LOOKBACK": month.String(), "RUN_TIMEOUT": "24h",
		})
		w.client = &http.Client{Transport: inprocess.Transport{Handler: api}}
		events := emulator.Generate("org-1", emulator.Generated{Seed: 1, N: 3000, From: began.Add(-month), To: began.Add(12 * day)})
		events = append(events, emulator.Event{Time: began.Add(-month / 2), Raw: []byte(`"no object"`)})
		if err := api.Add("org-1", events...); err != nil {
			t.Fatal(err)
		}
		w.mustRun(w.function(), "{}")
		// What waits to be published is needed, however old.
		waits := began.Add(-20 * day).Truncate(hour)
		mark := "muleaudit/org-1/pending/" + waits.Format("20060102T150405Z") + "-000001"
		if err := w.state.WriteAll(t.Context(), mark, []byte("{}"), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * day)

		// Nor is what a run that was cut off has left to look at again.
		left := began.Add(-10 * day).Truncate(hour)
		behind := fmt.Sprintf(`{"left":{"from":%q,"to":%q}}`, left.Format(time.RFC3339), left.Add(hour).Format(time.RFC3339))
		if err := w.state.WriteAll(t.Context(), "muleaudit/org-1/behind", []byte(behind), nil); err != nil {
			t.Fatal(err)
		}

		// As long as no run was here since, all that it will look at again stays.
		slicesLeft := func() (left []string) {
			t.Helper()
			keys, err := w.state.Keys(t.Context(), "muleaudit/org-1/slices/")
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				if start := strings.Split(k, "/")[3]; !slices.Contains(left, start) {
					left = append(left, start)
				}
			}
			return left
		}
		o := prune.Options{Keep: 10 * day}
		sum := func(r prune.Report, what string) (l prune.Line) {
			t.Helper()
			for _, l := range r.Lines {
				if l.What == what {
					return l
				}
			}
			t.Fatalf("nothing about %s in %+v", what, r)
			return l
		}
		all := slicesLeft()
		dry := o
		dry.DryRun = true
		r, err := w.function().Prune(t.Context(), dry)
		if err != nil || len(slicesLeft()) != len(all) || sum(r, "state of slices").Objects < 700 {
			t.Fatalf("%+v, %v, %d slices of %d", r, err, len(slicesLeft()), len(all))
		}
		if r, err = w.function().Prune(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		kept := slicesLeft()
		if n := sum(r, "state of slices"); n.Kept != int64(len(kept)) || n.Why == "" || n.Objects < 700 {
			t.Errorf("%+v, and %d slices are left", n, len(kept))
		}
		// What waits stays, and from two days before what will be looked at.
		if len(kept) < 11*24 || len(kept) > 13*24+1 || kept[0] != waits.Format("20060102T150405Z") || kept[1] < left.Add(-4*day).Format("20060102") {
			t.Errorf("left are %d: %v", len(kept), kept)
		}
		if n := sum(r, "quarantine that was seen to"); n.Objects != 0 || n.Kept != 1 {
			t.Errorf("%+v", n)
		}

		if err := w.state.Remove(t.Context(), mark); err != nil {
			t.Fatal(err)
		}
		w.mustRun(w.function(), "{}")
		if r := w.mustRun(w.function(), "{}"); r.Out != 0 {
			t.Errorf("%d events after all was exported", r.Out)
		}
		w.wantExactly(hour, map[string][]emulator.Event{"org-1": events[:3000]})
		v, err := w.function().Verify(t.Context(), muleaudit.VerifyOptions{})
		if err != nil || v[0].Found != 0 || v[0].Slices < 10*24 || len(v[0].Left) == 0 || !strings.Contains(v[0].Left[0], "pruned") {
			t.Errorf("%+v, %v", v, err)
		}

		// A backfill of what is forgotten could export it twice. What lies before
		// was never exported.
		span := func(from, to time.Time) string {
			return fmt.Sprintf(`{"from":%q,"to":%q}`, from.Format(time.RFC3339), to.Format(time.RFC3339))
		}
		if status, answer := w.post(w.function(), span(began.Add(-25*day), began.Add(-24*day))); status != http.StatusBadRequest || !strings.Contains(answer, "pruned") {
			t.Errorf("%d %s", status, answer)
		}
		if r := w.mustRun(w.function(), span(began.Add(-40*day), began.Add(-35*day))); r.Status != receipt.OK {
			t.Errorf("%+v", r)
		}
		// What that exported is kept as long as the rest, though it is older; what
		// was kept for the run is not needed any more.
		if _, err = w.function().Prune(t.Context(), o); err != nil {
			t.Error(err)
		}
		old := 0
		for _, start := range slicesLeft() {
			switch {
			case start < began.Add(-35*day).Format("20060102T150405Z"):
				old++
			case start < began.Add(-4*day).Format("20060102T150405Z"):
				t.Errorf("%s is still there", start)
			}
		}
		if old < 5*24 {
			t.Errorf("%d slices are left of what was exported last", old)
		}
	})
}
