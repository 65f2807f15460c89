package consume_test

import (
	"context"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Up to what is settled: what no run has come to yet, and what lay there before
// the first, is no finding; what a run has passed is.
func TestProof(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"SLS_START": "end"})
	gen := emulator.NewGenerator(1)
	f := w.consumer()
	check := func(from, to time.Time) receipt.Verified {
		t.Helper()
		v := receipt.NewVerified()
		if err := f.Proof().Check(context.Background(), from, to, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	fill := func(n int) { // unlike w.fill without the claim that all of it is to be forwarded
		for range n {
			w.Store.Append(0, gen.Group(10))
			w.Store.Append(1, gen.Group(10))
		}
	}
	fill(2) // before the first run
	w.mustRun(f)
	if v := check(time.Time{}, time.Time{}); v.Findings != 0 || v.Checked != 0 {
		t.Errorf("%+v", v)
	}
	fill(3)
	w.mustRun(f)
	fill(2)
	w.mustRun(f)
	if v := check(time.Time{}, time.Time{}); v.Findings != 0 || v.Checked != 2*5*10 || time.Since(v.To) > time.Minute {
		t.Errorf("%+v", v)
	}
	fill(3)
	if v := check(time.Time{}, time.Time{}); v.Findings != 0 || v.Checked != 2*5*10 || v.To.Before(v.From) {
		t.Errorf("%+v", v)
	}
	if v := check(time.Time{}, time.Now().Add(time.Minute)); v.Kinds[receipt.Behind] != 2 {
		t.Errorf("up to a time that was asked for: %+v", v)
	}
	w.mustRun(f)
	keys, err := w.State.Keys(t.Context(), name+"/receipts/")
	if err != nil || len(keys) != 4 {
		t.Fatal(keys, err)
	}
	if err := w.State.Remove(t.Context(), keys[2]); err != nil {
		t.Fatal(err)
	}
	if v := check(time.Time{}, time.Time{}); v.Kinds[receipt.Gap] != 2 {
		t.Errorf("a lost receipt: %+v", v)
	}
}

// What is in quarantine is a finding of the days it was received in, until it is
// replayed or accepted.
func TestProofNamesWhatIsInQuarantine(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	f := w.consumer()
	w.Fill(emulator.NewGenerator(1), 1, 10)
	w.mustRun(f)
	entry := quarantine.Entry{Function: name, Code: "6", Reason: "invalid data", Source: []byte("{}")}
	now := time.Now()
	object, err := f.Quarantine().Put(t.Context(), now, "one", entry, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Quarantine().Put(t.Context(), now.AddDate(0, 0, -9), "of before", entry, []byte("x")); err != nil {
		t.Fatal(err)
	}
	check := func() receipt.Verified {
		t.Helper()
		v := receipt.NewVerified()
		if err := f.Proof().Check(t.Context(), time.Time{}, time.Time{}, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := check(); v.Findings != 1 || v.Kinds[receipt.Quarantined] != 1 || v.First[0].Where != object {
		t.Errorf("%+v", v)
	}
	if all, err := f.Pending(t.Context(), time.Time{}, time.Time{}); err != nil || all.Found != 2 {
		t.Errorf("without bounds: %+v, %v", all, err)
	}
	for o, err := range f.Quarantine().Pending(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Quarantine().Replayed(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if v := check(); v.Findings != 0 {
		t.Errorf("replayed: %+v", v)
	}
}
