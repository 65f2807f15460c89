package gunzipcsv_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// A target that the destination can have no object of is the object's own
// matter: it is rejected, once, and all others are converted, by notice and by
// backfill.
func TestTargetsThatNothingCanBeCalled(t *testing.T) {
	keys := []string{"a.log.gz", "x.gz", "x.csv/y.gz", strings.Repeat("k", 231) + ".gz", "z.log.gz"}
	wantCodes := []string{gunzipcsv.CodeName, gunzipcsv.CodeName} // x.csv is a file or a folder
	check := func(t *testing.T, w *world, codesOf []string) {
		t.Helper()
		if got := codes(w.quarantined()); !slices.Equal(got, codesOf) {
			t.Errorf("in quarantine: %v, want %v", got, codesOf)
		}
		if got := w.targets(); len(got) != len(keys)-len(wantCodes) {
			t.Errorf("%d targets: %v", len(got), got)
		}
		if v := w.verify(gunzipcsv.VerifyOptions{}); v.Unread != 0 || v.Converted != int64(len(keys)-len(wantCodes)) || len(v.Findings) != len(codesOf) {
			t.Errorf("verified: %+v", v)
		}
	}
	filled := func(t *testing.T) *world {
		t.Helper()
		w := newWorld(t, nil)
		for _, key := range keys {
			w.put(key, gz(t, "1,2\n"))
		}
		return w
	}
	t.Run("notices", func(t *testing.T) {
		w := filled(t)
		// Nor can any of these be in a directory.
		impossible := []string{".", "../x.gz/..", "a.log.gz.attrs", strings.Repeat("k", 2000) + ".gz", strings.Repeat("x/", 3000) + "y.gz", "a.log.gz/b.gz"}
		all := append(slices.Clone(keys), impossible...)
		for _, key := range all {
			w.notify(key)
		}
		w.mustTick(w.function())
		w.wantSettled(len(all))
		want := slices.Clone(wantCodes)
		for range impossible {
			want = append(want, gunzipcsv.CodeGone)
		}
		slices.Sort(want)
		check(t, w, want)
	})
	t.Run("backfill", func(t *testing.T) {
		w := filled(t)
		var r receipt.Core
		if err := w.function().Backfill(t.Context(), gunzipcsv.Selection{}, func(step *gunzipcsv.Receipt, _ int64) { r = step.Core }); err != nil || r.Status != receipt.OK {
			t.Fatalf("%v, %+v", err, r)
		}
		check(t, w, wantCodes)
	})
}
