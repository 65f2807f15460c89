package consume_test

import (
	"context"
	"strings"
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

// What a span asks for that is kept no longer is not passed over in silence.
func TestBackfillOfWhatIsGone(t *testing.T) {
	for name, gone := range map[string]bool{"gone": true, "all there": false} {
		w := newWorld(t, emulator.Options{Shards: 1}, quick)
		now := time.Now().Truncate(time.Second)
		w.Store.Created(0, now.Add(-9*24*time.Hour))
		for day := -8; day < 0; day++ {
			w.PutAt(now.Add(time.Duration(day)*24*time.Hour), 0, emulator.NewGenerator(1).Group(5))
		}
		from := now.Add(-6 * 24 * time.Hour)
		if gone {
			w.Store.Expire(0, 5) // the oldest is of three days ago
		} else {
			w.Store.Expire(0, 1)
		}
		var trouble string
		var out int64
		err := w.consumer().Backfill(t.Context(), from, now.Add(-time.Hour), func(r receipt.Receipt) { trouble, out = r.Base().Trouble, out+r.Base().Out })
		if err != nil || strings.Contains(trouble, "SLS holds nothing that shard 0 received") != gone || (out == 3*5) != gone {
			t.Errorf("%s: %d logs, trouble %q, %v", name, out, trouble, err)
		}
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
