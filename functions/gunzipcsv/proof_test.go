package gunzipcsv_test

import (
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// What has just come may still be converted; what was asked for is looked at.
func TestProof(t *testing.T) {
	w := newWorld(t, nil)
	w.put("a.log.gz", gz(t, "a\n"))
	check := func(from, to time.Time) receipt.Verified {
		t.Helper()
		v := receipt.NewVerified()
		if err := w.function().Proof().Check(t.Context(), from, to, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := check(time.Time{}, time.Time{}); v.Findings != 0 || v.Checked != 0 || v.To.Sub(v.From) != 48*time.Hour || time.Since(v.To) < time.Hour {
		t.Errorf("%+v", v)
	}
	if v := check(time.Time{}, time.Now().Add(time.Minute)); v.Kinds[receipt.Missing] != 1 || v.Checked != 1 {
		t.Errorf("%+v", v)
	}
	var first gunzipcsv.Receipt
	for i, key := range []string{"a.log.gz", "b.log.gz", "c.log.gz"} {
		w.put(key, gz(t, key))
		r, err := run(t, w.function(), notices(key))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = *r
		}
	}
	if v := check(time.Time{}, time.Now().Add(time.Minute)); v.Findings != 0 || v.Receipts.Chained != 2 || len(v.Receipts.Newest) != 1 {
		t.Errorf("%+v", v)
	}
	if err := w.parts.State.Remove(t.Context(), first.Key()); err != nil {
		t.Fatal(err)
	}
	if v := check(time.Time{}, time.Time{}); v.Kinds[receipt.Missing] != 1 || v.First[0].Where != first.Key() {
		t.Errorf("without a receipt: %+v", v)
	}
}
