package consume_test

import (
	"context"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// A backfill comes to an end also where a shard was split behind its span, or within
// it: the service hands out children in order only once their parent is read to its
// end, and a backfill may never get there.
func TestBackfillBeforeASplit(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, quick)
	gen := emulator.NewGenerator(1)
	now := time.Now().Truncate(time.Second)
	for h := -5; h < 0; h++ {
		w.PutAt(now.Add(time.Duration(h)*time.Hour), 0, gen.Group(10))
	}
	left, right, err := w.Store.Split(0)
	if err != nil {
		t.Fatal(err)
	}
	w.Put(left, gen.Group(10))
	w.Put(right, gen.Group(10))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, runs int64
	err = w.consumer().Backfill(ctx, now.Add(-4*time.Hour), now.Add(-2*time.Hour), func(r receipt.Receipt) {
		out += r.Base().Out
		if runs++; runs == 3 {
			cancel()
		}
	})
	if err != nil || runs != 1 || out != 20 {
		t.Errorf("%d logs in %d runs: %v", out, runs, err)
	}
}

// What lies on both sides of a split is delivered once.
func TestBackfillAcrossASplit(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, quick)
	gen := emulator.NewGenerator(1)
	now := time.Now().Truncate(time.Second)
	w.PutAt(now.Add(-3*time.Hour), 0, gen.Group(10))
	w.PutAt(now.Add(-2*time.Hour), 0, gen.Group(10), gen.Group(10))
	left, right, err := w.Store.Split(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []int{left, right} {
		w.Store.Created(id, now.Add(-2*time.Hour))
		w.PutAt(now.Add(-time.Hour), id, gen.Group(10))
		w.PutAt(now.Add(-time.Minute), id, gen.Group(10))
	}
	var out int64
	err = w.consumer().Backfill(t.Context(), now.Add(-2*time.Hour), now.Add(-30*time.Minute), func(r receipt.Receipt) { out += r.Base().Out })
	if err != nil || out != 2*10+2*10 || len(w.mem.arrived()) != int(out) {
		t.Errorf("%d logs, %d arrived: %v", out, len(w.mem.arrived()), err)
	}
}
