package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

func TestDayExactlyOnce(t *testing.T) {
	w := newWorld(t, emulator.Options{Gzip: true}, nil)
	events := w.day(1, 50_000)
	f := w.function()
	r := w.run(f)
	w.wantExactly(events)
	w.wantTidy()
	if r.In != 50_000 || r.Out != 50_000 {
		t.Errorf("receipt %+v", r.Core)
	}
	w.checkObjects(r)

	again := w.run(f)
	if again.Out != 0 || again.Filtered == 0 || len(again.Orgs[0].Objects) != 0 {
		t.Errorf("a second trigger: %+v", again)
	}
	w.wantExactly(events)
}

// checkObjects compares a receipt with what lies in the output.
func (w *world) checkObjects(r *muleaudit.Receipt) {
	w.t.Helper()
	keys, err := w.output.Keys(w.t.Context(), "")
	if err != nil || len(keys) != len(r.Orgs[0].Objects) {
		w.t.Errorf("%d objects, %d in the receipt, %v", len(keys), len(r.Orgs[0].Objects), err)
	}
	for _, o := range r.Orgs[0].Objects {
		data, err := w.output.ReadAll(w.t.Context(), o.Name)
		if err != nil {
			w.t.Fatal(err)
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != o.SHA256 || int64(len(data)) != o.Bytes || len(w.lines(o.Name)) != int(o.Events) {
			w.t.Errorf("the receipt is wrong about %+v", o)
		}
	}
}

func TestStateBesideOutputInOneBucket(t *testing.T) {
	name := newBucket()
	w := newWorld(t, emulator.Options{}, map[string]string{
		"GCS_BUCKET": "gs://" + name + "?prefix=mulesoft/", "STATE_URL": "gs://" + name + "?prefix=siemfeed-state/",
	})
	events := w.day(2, 3000)
	w.run(w.function())
	w.wantExactly(events)
	w.wantTidy()
	all, err := open(t, "gs://"+name).Keys(t.Context(), "mulesoft/")
	if err != nil || len(all) == 0 {
		t.Errorf("below the prefix: %v, %v", all, err)
	}
}

func TestTwoRunsAtOnce(t *testing.T) {
	w := newWorld(t, emulator.Options{Latency: 5 * time.Millisecond}, nil)
	events := w.day(3, 10_000)
	// A slice large enough for an upload in chunks, which both begin.
	hour := time.Now().Truncate(time.Hour).Add(-2 * time.Hour)
	dense := emulator.Generate("org-1", emulator.Generated{Seed: 33, N: 25_000, From: hour, To: hour.Add(time.Hour)})
	if err := w.api.Add("org-1", dense...); err != nil {
		t.Fatal(err)
	}
	events = append(events, dense...)
	var wg sync.WaitGroup
	var out [2]int64
	for i := range out {
		f := w.function()
		wg.Go(func() { out[i] = w.run(f).Out })
	}
	wg.Wait()
	if out[0]+out[1] != int64(len(events)) {
		t.Errorf("the runs say they wrote %d and %d events of %d", out[0], out[1], len(events))
	}
	w.wantExactly(events)
	w.wantTidy()
}

func TestStorageFaults(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	events := w.day(4, 5000)
	storm(t, 4, "/")
	w.run(w.function())
	gcs.faults.Random(0, nil)
	w.wantExactly(events)
	w.wantTidy()
}
