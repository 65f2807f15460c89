package consume_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// outage is what a logstore of one shard, kept for three days, is like after a week
// in which nothing was read and in which the shard was split at its beginning: the
// old shard is gone, and of the new ones what came in the first days. begun is what
// has the group begun before that.
func outage(w *world, begun func(w *world)) {
	w.T.Helper()
	gen := emulator.NewGenerator(1)
	w.Put(0, gen.Group(5))
	w.mustRun(w.consumer())
	begun(w)
	now := time.Now()
	w.Put(0, gen.Group(5)) // never read
	left, right, err := w.Store.Split(0)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, id := range []int{left, right} {
		w.Store.Created(id, now.Add(-7*24*time.Hour))
		for day := -6; day < 0; day++ {
			w.Store.AppendAt(now.Add(time.Duration(day)*24*time.Hour), id, gen.Group(5))
		}
		w.Store.Expire(id, 3)
	}
	w.Store.RemoveShard(0)
}

func beginnings(b *bucket.Bucket) bucket.Series {
	return b.Series(name+"/beginning/project/logstore/"+group+"/", bucket.Digits(20))
}

// unrecorded has the group begun eight days ago without a record, as before this
// function had a say in it.
func unrecorded(w *world) {
	w.T.Helper()
	w.Store.SavedBefore(group, 8*24*time.Hour)
	if err := beginnings(w.State).Trim(w.T.Context(), 1000); err != nil {
		w.T.Fatal(err)
	}
}

// recorded has the group begun eight days ago.
func recorded(w *world) {
	w.T.Helper()
	series := beginnings(w.State)
	var b sls.Beginning
	n, err := series.Latest(w.T.Context(), &b)
	if err != nil {
		w.T.Fatal(err)
	}
	b.Settled = b.Settled.Add(-8 * 24 * time.Hour)
	if err := series.Append(w.T.Context(), n+1, b); err != nil {
		w.T.Fatal(err)
	}
}

// Logs of a shard that came while nothing was read, and that are gone by the time it
// is first read, are gone as much as those behind a checkpoint: no cursor says so,
// since there is none.
func TestShardThatOutlivedItsBeginning(t *testing.T) {
	for name, begun := range map[string]func(*world){"recorded": recorded, "unrecorded": unrecorded} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{Shards: 1}, quick)
			outage(w, begun)
			r, err := w.run(w.consumer())
			if !errors.Is(err, sls.ErrExpired) || r.Status != receipt.Failed || !strings.Contains(err.Error(), "was not read until now") {
				t.Fatalf("%v, receipt %+v", err, r)
			}
			for id := 1; id <= 2; id++ {
				if at := w.Store.Checkpoint(group, id); at != "" {
					t.Errorf("shard %d: checkpoint %s", id, at)
				}
			}
			w.Env["SLS_ON_INVALID_CURSOR"] = "oldest"
			w.Store.OnCheckpoint(func(e emulator.CheckpointEvent) {
				told := false
				for _, r := range w.receipts() {
					told = told || len(r.Gaps) > 0
				}
				if e.Shard > 0 && !told {
					t.Errorf("shard %d: a checkpoint, and no receipt tells of the gap before it", e.Shard)
				}
			})
			r = w.mustRun(w.consumer())
			if r.Out != 2*3*5 || len(r.Gaps) != 2 {
				t.Errorf("receipt %+v", r)
			}
			if r = w.mustRun(w.consumer()); len(r.Gaps) != 0 {
				t.Errorf("told again: %q", r.Gaps)
			}
		})
	}
}

// Nothing is said of a shard that is read soon, nor of one whose logs are all there,
// nor of one that was there before the group.
func TestShardsThatMissNothing(t *testing.T) {
	for name, prepare := range map[string]func(w *world, id int){
		"read soon": func(w *world, id int) { w.Store.AppendAt(time.Now(), id, emulator.NewGenerator(1).Group(5)) },
		"all kept": func(w *world, id int) {
			w.Store.Created(id, time.Now().Add(-7*24*time.Hour))
			w.Store.AppendAt(time.Now().Add(-7*24*time.Hour+time.Minute), id, emulator.NewGenerator(1).Group(5))
		},
		"no log yet": func(w *world, id int) { w.Store.Created(id, time.Now().Add(-7*24*time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{Shards: 1}, quick)
			w.Put(0, emulator.NewGenerator(1).Group(5))
			w.mustRun(w.consumer())
			recorded(w)
			left, right, err := w.Store.Split(0)
			if err != nil {
				t.Fatal(err)
			}
			prepare(w, left)
			prepare(w, right)
			if r := w.mustRun(w.consumer()); len(r.Gaps) != 0 {
				t.Errorf("gaps %q", r.Gaps)
			}
		})
	}
	t.Run("quiet at first", func(t *testing.T) {
		w := newWorld(t, emulator.Options{Shards: 1}, quick)
		gen, now := emulator.NewGenerator(1), time.Now()
		w.Store.Created(0, now.AddDate(0, 0, -9))
		w.Store.AppendAt(now.AddDate(0, 0, -8), 0, gen.Group(5)) // still there: logs are kept for so long
		w.mustRun(w.consumer())
		recorded(w)
		left, right, err := w.Store.Split(0)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []int{left, right} {
			w.Store.Created(id, now.AddDate(0, 0, -7))
			w.Store.AppendAt(now.AddDate(0, 0, -6), id, gen.Group(5))
		}
		if r := w.mustRun(w.consumer()); len(r.Gaps) != 0 || r.Out != 10 {
			t.Errorf("receipt %+v", r)
		}
	})
	t.Run("before the group", func(t *testing.T) {
		w := newWorld(t, emulator.Options{Shards: 2}, quick)
		for id := range 2 {
			w.Store.Created(id, time.Now().Add(-7*24*time.Hour))
		}
		w.Fill(emulator.NewGenerator(1), 3, 5)
		if r := w.mustRun(w.consumer()); len(r.Gaps) != 0 {
			t.Errorf("gaps %q", r.Gaps)
		}
	})
}
