package muleaudit_test

import (
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Up to what is settled: what the next run looks at again is not looked at, a
// damage before that is found.
func TestProof(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_LOOKBACK": "72h"})
	now := time.Now().UTC()
	w.api.AddSynthetic("org-1", emulator.Synthetic{Seed: 1, N: 72, From: now.Add(-72 * time.Hour), To: now})
	f := w.function()
	check := func(f *muleaudit.Function, from, to time.Time) receipt.Verified {
		t.Helper()
		v := receipt.NewVerified()
		v.From, v.To = from, to
		if err := f.Proof().Check(t.Context(), from, to, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := check(f, time.Time{}, time.Time{}); v.Kinds[receipt.Gap] != 1 {
		t.Errorf("before the first run: %+v", v)
	}
	w.mustRun(f, "{}")
	v := check(f, time.Time{}, time.Time{})
	if v.Findings != 0 || v.Checked < 45 || v.Checked > 49 || v.To.Sub(v.From) != 48*time.Hour || time.Since(v.To) < time.Hour || time.Since(v.To) > 3*time.Hour {
		t.Errorf("%+v", v)
	}
	if v := check(f, now.Add(-time.Hour), now.Add(-time.Minute)); v.Kinds[receipt.Gap] != 1 {
		t.Errorf("up to a time that no run has come to: %+v", v)
	}
	objects, err := w.output.Keys(t.Context(), "")
	if err != nil || len(objects) < 60 {
		t.Fatal(len(objects), err)
	}
	for _, key := range []string{objects[5], objects[len(objects)-10]} { // of which one is older
		if err := w.output.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if v := check(f, time.Time{}, time.Time{}); v.Kinds[receipt.Missing] != 1 || v.Findings != 1 {
		t.Errorf("%+v", v)
	}
	gone := w.mustRun(f, "{}")
	w.mustRun(f, "{}")
	if v := check(f, time.Time{}, time.Time{}); v.Findings != 1 || v.Receipts.Chained != 2 || len(v.Receipts.Newest) != 1 {
		t.Errorf("%+v", v)
	}
	if err := w.state.Remove(t.Context(), gone.Key()); err != nil {
		t.Fatal(err)
	}
	if v := check(f, time.Time{}, time.Time{}); v.Kinds[receipt.Missing] != 2 || v.First[1].Where != gone.Key() {
		t.Errorf("without a receipt: %+v", v)
	}
}

// The daily proof is told by the environment what a shell tells by a flag.
func TestProofKnowsThatTheFeedDeletes(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_LOOKBACK": "12h", "MULE_FEED_DELETES": "true"})
	now := time.Now().UTC()
	w.api.AddSynthetic("org-1", emulator.Synthetic{Seed: 1, N: 12, From: now.Add(-12 * time.Hour), To: now})
	f := w.function()
	w.mustRun(f, "{}")
	objects, err := w.output.Keys(t.Context(), "")
	if err != nil || len(objects) == 0 {
		t.Fatal(len(objects), err)
	}
	for _, key := range objects {
		if err := w.output.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	v := receipt.NewVerified()
	if err := f.Proof().Check(t.Context(), time.Time{}, time.Time{}, &v); err != nil || v.Findings != 0 || v.Checked == 0 {
		t.Errorf("%v: %+v", err, v)
	}
}
