package consume_test

import (
	"context"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
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
