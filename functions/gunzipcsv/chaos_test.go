package gunzipcsv_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// mixture fills the source with objects of every kind and queues their notices,
// some twice. It returns what has to come of each key: its CSV, or a code.
func (w *world) mixture(rng *rand.Rand, n int) (targets, rejected map[string]string) {
	w.t.Helper()
	targets, rejected = map[string]string{}, map[string]string{}
	for i := range n {
		name := fmt.Sprintf("day%d/%04d", i%3, i)
		key := name + ".log.gz"
		text, object := generated(w.t, uint64(i), 1+rng.IntN(60), logpush.CSV)
		switch rng.IntN(8) {
		case 0:
			object, rejected[key] = object[:len(object)-1-rng.IntN(len(object)/2)], "gzip_truncated"
		case 1:
			object, rejected[key] = []byte("plain"), "not_gzip"
		case 2:
			text = fmt.Sprintf("n\n%d\n", i)
			object = gz(w.t, fmt.Sprintf("{\"n\":%d}\nbroken %d\n", i, i))
		case 3:
			text = strings.Repeat(text, 8) // of some size
			object = gz(w.t, text)
		case 4:
			rejected[key] = gunzipcsv.CodeGone
		}
		if _, bad := rejected[key]; !bad {
			targets[name+".csv"] = text
		}
		if rejected[key] != gunzipcsv.CodeGone {
			w.put(key, object)
		}
		for range 1 + rng.IntN(3)/2 {
			w.notify(key)
		}
	}
	return targets, rejected
}

// wantAll checks that every object is converted or in quarantine, with the
// reason, and that there is nothing else.
func (w *world) wantAll(targets, rejected map[string]string) {
	w.t.Helper()
	got := w.targets()
	for key, want := range targets {
		if got[key] != want {
			w.t.Errorf("%s has %d bytes, want %d", key, len(got[key]), len(want))
		}
	}
	if len(got) != len(targets) {
		w.t.Errorf("%d targets, want %d", len(got), len(targets))
	}
	seen := map[string]string{}
	for _, r := range w.quarantined() {
		if r.Code == "malformed_json" {
			continue
		}
		for key := range rejected {
			if strings.Contains(string(r.Record), `"`+key+`"`) {
				seen[key] = r.Code
			}
		}
	}
	for key, code := range rejected {
		if seen[key] != code {
			w.t.Errorf("%s: %q in quarantine, want %q", key, seen[key], code)
		}
	}
	if w.dead.Backlog() > 0 {
		w.t.Errorf("%d dead letters", w.dead.Backlog())
	}
}

// TestKilledAtAnyMoment kills the real process again and again while it drains
// a queue that fails in every way, and lets it finish in the end.
func TestKilledAtAnyMoment(t *testing.T) {
	const kills = 30
	w := newWorld(t, map[string]string{"CF_VISIBILITY_TIMEOUT": "400ms", "CONCURRENCY": "3"})
	rng := rand.New(rand.NewPCG(3, 4))
	targets, rejected := w.mixture(rng, 150)
	w.api.Faults.Random(5, map[fault.Kind]float64{
		fault.Error500: 0.05, fault.Error503: 0.02, fault.Error429: 0.02, fault.ResetBefore: 0.05, fault.ResetAfter: 0.1, fault.ResetMid: 0.05,
	})
	bin := proctest.Build(t, "./cmd/gunzipcsv")
	for range kills {
		p := proctest.Start(t, bin, w.env)
		var wg sync.WaitGroup
		for range 2 { // ticks overlap
			wg.Go(func() { _, _, _ = p.Post(context.Background(), "{}", nil) }) // cut off
		}
		time.Sleep(time.Duration(rng.IntN(200)) * time.Millisecond)
		p.Kill()
		wg.Wait()
	}
	left := w.queue.Backlog()
	w.api.Faults.Random(0, nil)
	p := proctest.Start(t, bin, w.env)
	for deadline := time.Now().Add(time.Minute); w.queue.Backlog() > 0; time.Sleep(50 * time.Millisecond) {
		if status, answer, err := p.Post(t.Context(), "{}", nil); err != nil || status != 200 {
			t.Fatalf("%d %s %v", status, answer, err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d messages are left", w.queue.Backlog())
		}
	}
	w.wantAll(targets, rejected)
	if strings.Contains(p.Output(), token) {
		t.Error("the log shows the token")
	}
	t.Logf("%d messages were left after %d kills; %+v", left, kills, w.queue.Counts())
}

func TestFaultyQueue(t *testing.T) {
	w := newWorld(t, map[string]string{"CF_VISIBILITY_TIMEOUT": "300ms"})
	targets, rejected := w.mixture(rand.New(rand.NewPCG(1, 2)), 80)
	w.api.Faults.Random(7, map[fault.Kind]float64{
		fault.Error500: 0.1, fault.Error503: 0.05, fault.Error429: 0.05, fault.ResetBefore: 0.1, fault.ResetAfter: 0.1, fault.ResetMid: 0.1, fault.Truncate: 0.1,
	})
	f := w.function()
	var retries int64
	for n := 0; w.queue.Backlog() > 0; n++ {
		r, err := run(t, f, tick)
		retries += r.Retries
		if err != nil && r.Error == "" {
			t.Errorf("%v is not in the receipt", err)
		}
		if n > 200 {
			t.Fatalf("%d messages are left: %v", w.queue.Backlog(), err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.wantAll(targets, rejected)
	if retries == 0 {
		t.Error("calls to the queue that were made again are not in the receipts")
	}
	if n := w.api.Faults.Counts(); len(n) < 6 {
		t.Errorf("only these faults were met: %v", n)
	}
}

// slowed is a bucket that takes its time over each object that is read.
type slowed struct {
	*flaky
	wait time.Duration
}

func (s *slowed) NewRangeReader(ctx context.Context, key string, offset, length int64, opts *driver.ReaderOptions) (driver.Reader, error) {
	select {
	case <-time.After(s.wait):
		return s.flaky.NewRangeReader(ctx, key, offset, length, opts)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestRunOutOfTime(t *testing.T) {
	text, object := generated(t, 1, 100, logpush.NDJSON)
	synctest.Test(t, func(t *testing.T) {
		// A run has the time for some twenty.
		const objects = 100
		w := asleep(t, map[string]string{"RUN_TIMEOUT": "10s", "CONCURRENCY": "1"})
		for i := range objects {
			key := fmt.Sprintf("%03d.log.gz", i)
			w.put(key, object)
			w.notify(key)
		}
		slow := *w
		slow.parts.Source = w.open(w.env["SOURCE_URL"])
		slow.parts.Source.Bucket = blob.NewBucket(&slowed{makeFlaky(slow.parts.Source, 1, 0), 500 * time.Millisecond})
		f := slow.function()
		r, err := run(t, f, tick)
		if err != nil || r.Status != "partial" || r.Out == 0 || r.Out > 20 || len(r.Remaining) == 0 {
			t.Fatalf("%v, %+v", err, r.Core)
		}
		if took := r.FinishedAt.Sub(r.StartedAt); took > 10*time.Second {
			t.Errorf("a run of 10s took %v", took)
		}
		for runs := 1; w.queue.Backlog() > 0; runs++ {
			if _, err := run(t, f, tick); err != nil {
				t.Fatal(err)
			}
			if runs > 2*objects/20 {
				t.Fatalf("%d messages are left", w.queue.Backlog())
			}
		}
		got := w.targets()
		if len(got) != objects {
			t.Fatalf("%d targets", len(got))
		}
		wantCells(t, "000.csv", got["000.csv"], text)
		for key, csv := range got {
			if csv != got["000.csv"] {
				t.Errorf("%s differs", key)
			}
		}
		if q := w.quarantined(); len(q) > 0 {
			t.Errorf("quarantine %v", codes(q))
		}
	})
}
