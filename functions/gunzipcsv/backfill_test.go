package gunzipcsv_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
)

func quietly(*gunzipcsv.Receipt, int64) {}

// TestBackfillGoesPastWhatFails breaks targets at the beginning, in the middle
// and at the end of a list.
func TestBackfillGoesPastWhatFails(t *testing.T) {
	const objects = 700
	w := newWorld(t, map[string]string{"CONCURRENCY": "16"})
	broken := []string{"0000.csv", "0400.csv", "0699.csv"}
	for i := range objects {
		w.put(fmt.Sprintf("%04d.log.gz", i), gz(t, fmt.Sprint(i, "\n")))
	}
	mend := w.breakTargets(broken...)
	for range 2 { // however often it is called
		err := w.function().Backfill(t.Context(), gunzipcsv.Selection{}, quietly)
		var left *gunzipcsv.Unconverted
		if !errors.As(err, &left) || len(left.Objects) != len(broken) || !strings.Contains(err.Error(), "0400.log.gz") {
			t.Fatal(err)
		}
		for i, m := range left.Objects {
			if m.Key != strings.Replace(broken[i], ".csv", ".log.gz", 1) || m.Error == "" {
				t.Errorf("%+v, want %s", m, broken[i])
			}
		}
	}
	if n := len(w.targets()); n != objects-len(broken) {
		t.Fatalf("%d of %d others are converted", n, objects-len(broken))
	}

	// Mended, the next call tries just these, and what came since.
	mend()
	w.put("2000.log.gz", gz(t, "late\n"))
	var in, out int64
	err := w.function().Backfill(t.Context(), gunzipcsv.Selection{}, func(r *gunzipcsv.Receipt, _ int64) { in += r.In; out += r.Out })
	if want := int64(len(broken)) + 1; err != nil || in != want || out != want {
		t.Fatalf("%v: %d taken, %d converted, want %d", err, in, out, want)
	}
	w.wantListed()
	if marks, err := w.parts.State.Keys(t.Context(), "gunzipcsv/backfill/"); err != nil || len(marks) > 0 {
		t.Errorf("%v, %v", marks, err)
	}
}

// TestOneThatFailsForEverHidesNothing lets one target fail whenever it is tried.
// What is written meanwhile, before and behind it, is found by the next
// call, and what was lost again by a call of another day.
func TestOneThatFailsForEverHidesNothing(t *testing.T) {
	t.Parallel() // most of it is waiting to try again
	w := newWorld(t, nil)
	long := time.Now().AddDate(-1, 0, 0)
	put := func(key string) {
		t.Helper()
		w.put(key, gz(t, key+"\n"))
	}
	for _, key := range []string{"a.log.gz", "m.log.gz", "x.log.gz"} {
		put(key)
		path := filepath.Join(strings.TrimPrefix(w.env["SOURCE_URL"], "file://"), key)
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	w.breakTargets("m.csv")
	calls := func(tried int64) {
		t.Helper()
		in := int64(0)
		err := w.function().Backfill(t.Context(), gunzipcsv.Selection{}, func(r *gunzipcsv.Receipt, _ int64) { in += r.In + r.Returned })
		var left *gunzipcsv.Unconverted
		if !errors.As(err, &left) || len(left.Objects) != 1 || left.Objects[0].Key != "m.log.gz" || in != tried {
			t.Fatalf("%d tried, want %d: %v", in, tried, err)
		}
	}
	calls(4) // the one twice
	calls(1)
	put("b.log.gz")
	put("y.log.gz")
	calls(3) // that and these two
	if len(w.targets()) != 4 {
		t.Errorf("%v", w.targets())
	}

	// On another day all is looked at, as a target may have gone too.
	if err := w.parts.Dest.Delete(t.Context(), "a.csv"); err != nil {
		t.Fatal(err)
	}
	marks, err := w.parts.State.Keys(t.Context(), "gunzipcsv/backfill/")
	if err != nil || len(marks) != 1 {
		t.Fatal(marks, err)
	}
	var at map[string]any
	if err := w.parts.State.ReadJSON(t.Context(), marks[0], &at); err != nil {
		t.Fatal(err)
	}
	at["ended"] = time.Now().Add(-25 * time.Hour)
	if err := w.parts.State.PutJSON(t.Context(), marks[0], at); err != nil {
		t.Fatal(err)
	}
	calls(5)
	if w.targets()["a.csv"] != "a.log.gz\n" {
		t.Errorf("%v", w.targets())
	}
}

// TestBackfillEndsWhereNothingWorks takes away the destination.
func TestBackfillEndsWhereNothingWorks(t *testing.T) {
	w := newWorld(t, map[string]string{"CONCURRENCY": "16"})
	for i := range 100 {
		w.put(fmt.Sprintf("%03d.log.gz", i), gz(t, "x\n"))
	}
	f := w.function()
	dir := strings.TrimPrefix(w.env["DEST_URL"], "file://")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // so that nobody makes it
		t.Fatal(err)
	}
	runs := 0
	err := f.Backfill(t.Context(), gunzipcsv.Selection{}, func(*gunzipcsv.Receipt, int64) { runs++ })
	if err == nil || !strings.Contains(err.Error(), "none of 20 objects") || runs != 1 {
		t.Fatalf("%d runs: %v", runs, err)
	}
	if err := errors.Join(os.Remove(dir), os.Mkdir(dir, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := f.Backfill(t.Context(), gunzipcsv.Selection{}, quietly); err != nil || len(w.targets()) != 100 {
		t.Errorf("%v, %d targets", err, len(w.targets()))
	}
}
