package slshec_test

import (
	"slices"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/slshec"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// Old receipts go, and runs and verifications go on without them.
func TestPrune(t *testing.T) {
	w := newWorld(t, emulator.Options{}, splunk.Options{}, nil)
	gen := emulator.NewGenerator(1)
	f := w.function()
	w.Fill(gen, 10, 10)
	w.mustRun(f)
	consumetest.Rewrite(w.World, func(r *slshec.Receipt) {
		r.StartedAt, r.FinishedAt = r.StartedAt.AddDate(0, 0, -500), r.FinishedAt.AddDate(0, 0, -500)
	})
	w.Fill(gen, 10, 10)
	w.mustRun(f)
	kept := len(w.receipts())
	began, err := w.State.Keys(t.Context(), "slshec/beginning/")
	if err != nil || len(began) == 0 {
		t.Fatalf("where the group began: %q, %v", began, err)
	}
	r, err := f.Prune(t.Context(), prune.Options{Keep: 400 * 24 * time.Hour})
	if err != nil || r.Lines[0].Objects != 1 || len(w.receipts()) != kept-1 {
		t.Errorf("%+v, %v, %d receipts of %d", r, err, len(w.receipts()), kept)
	}
	// A shard that no run has held yet begins there, however long ago that was.
	if left, err := w.State.Keys(t.Context(), "slshec/beginning/"); err != nil || !slices.Equal(left, began) {
		t.Errorf("of %q %q is left, %v", began, left, err)
	}
	w.Fill(gen, 10, 10)
	w.mustRun(f)
	list, err := f.Verify(t.Context(), time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if len(v.Findings) > 0 {
			t.Errorf("shard %d: %v", v.Shard, v.Findings)
		}
	}
}
