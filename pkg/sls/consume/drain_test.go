package consume_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

func TestTopics(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"SLS_TOPICS": "audit_log, other"})
	audit, noise := emulator.NewGenerator(1), emulator.NewGenerator(2)
	noise.Topic = "access_log"
	w.Filter = func(g *sdk.LogGroup) bool { return g.GetTopic() == "audit_log" }
	w.Fill(audit, 5, 10)
	w.Fill(noise, 7, 10)
	w.Fill(audit, 5, 10)
	r := w.mustRun(w.consumer())
	w.wantAll(false)
	w.WantCheckpoints(group)
	if r.In != 2*17*10 || r.Filtered != 2*7*10 || r.Out != 2*10*10 {
		t.Errorf("receipt %+v", r.Core)
	}
}

func TestServerSideFilter(t *testing.T) {
	const spl = "* | where eventName = 'DeleteBucket'"
	for name, env := range map[string]map[string]string{
		"query":             {"SLS_QUERY": spl},
		"consume processor": {"SLS_PROCESSOR": "only-deletes"},
	} {
		t.Run(name, func(t *testing.T) {
			wantFiltered(t, newWorld(t, emulator.Options{ConsumeProcessors: map[string]string{"only-deletes": spl}}, env))
		})
	}
}

func wantFiltered(t *testing.T, w *world) {
	t.Helper()
	w.Fill(emulator.NewGenerator(1), 30, 10)
	w.Filter = func(*sdk.LogGroup) bool { return false } // ids cannot be told in advance
	r := w.mustRun(w.consumer())
	w.WantCheckpoints(group)
	if r.In == 0 || r.In >= 2*300 || r.Out != r.In || int64(len(w.mem.arrived())) != r.Out {
		t.Errorf("receipt %+v, %d logs arrived", r.Core, len(w.mem.arrived()))
	}
}

// Two ticks at once: one works, the other says so and does nothing.
func TestOverlappingTicks(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	w.mem.latency = 50 * time.Millisecond
	w.Fill(emulator.NewGenerator(1), 20, 50)
	a, b := w.consumer(), w.consumer()
	var wg sync.WaitGroup
	results := make([]*consume.Receipt, 2)
	for i, f := range []*consume.Consumer{a, b} {
		wg.Go(func() {
			var err error
			if results[i], err = w.run(f); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if results[0].Status == receipt.Busy {
		results[0], results[1] = results[1], results[0]
	}
	if results[0].Status != receipt.OK || results[1].Status != receipt.Busy || results[1].HeldBy != results[0].Run || results[1].In != 0 {
		t.Errorf("%+v and %+v", results[0], results[1])
	}
	w.wantAll(false)
	w.WantCheckpoints(group)
	// The lease is free at once.
	w.mustRun(b)
}

// A drain that has lost its lease stops at once, moves no checkpoint any more,
// and says who has it.
func TestALostLeaseStopsTheRun(t *testing.T) {
	w := newWorld(t, emulator.Options{MaxPullBytes: 20000}, map[string]string{"LEASE_TTL": "1s"})
	w.mem.latency, w.mem.slots = 100*time.Millisecond, make(chan struct{}, 1)
	w.Fill(emulator.NewGenerator(1), 100, 10)
	f := w.consumer()
	var wg sync.WaitGroup
	var r *consume.Receipt
	var err error
	wg.Go(func() { r, err = w.run(f) })
	consumetest.Eventually(t, "it is at work", func() bool { return len(w.mem.arrived()) > 50 })
	const prefix = name + "/lease/project/logstore/" + group + "/"
	stolen := map[string]any{"holder": "thief", "expires": time.Now().Add(time.Hour)}
	if err := w.State.PutJSON(context.Background(), prefix+fmt.Sprintf("%020d", 1_000_000), stolen); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err == nil || r.Status != receipt.Failed || !strings.Contains(r.Error, "lease") {
		t.Errorf("%v %+v", err, r)
	}
	before := w.SLS.Calls()["UpdateCheckPoint"]
	if r, err := w.run(f); err != nil || r.Status != receipt.Busy || r.HeldBy != "thief" {
		t.Errorf("%v %+v", err, r)
	}
	if after := w.SLS.Calls()["UpdateCheckPoint"]; after != before {
		t.Error("a busy run saved a checkpoint")
	}
}

// A drain whose time is up commits what is durable, says what is left, and the
// next one goes on there, without a repeat.
func TestDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, emulator.Options{Shards: 2, MaxPullBytes: 20000}, map[string]string{"RUN_TIMEOUT": "2s"})
	w.mem.latency, w.mem.slots = 20*time.Millisecond, make(chan struct{}, 1)
	w.Fill(emulator.NewGenerator(1), 150, 10)
	f := w.consumer()
	partial := 0
	for range 100 {
		r, err := w.run(f)
		if err != nil {
			t.Fatal(err)
		}
		if r.Status == receipt.OK {
			break
		}
		partial++
		if r.Status != receipt.Partial || len(r.Remaining) == 0 {
			t.Fatalf("%+v", r)
		}
	}
	if partial == 0 {
		t.Error("the time was enough for all")
	}
	w.wantAll(false)
	w.WantCheckpoints(group)
}

// Runs one after the other against an API that saves no checkpoint deliver
// again what may be unsaved, and not the backlog; mended, all is there.
func TestSickCheckpointsDoNotRepeatTheBacklog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, emulator.Options{Shards: 2}, map[string]string{"RUN_TIMEOUT": "12s"})
	w.mem.latency, w.mem.slots = 60*time.Millisecond, make(chan struct{}, 1)
	w.mustRun(w.consumer()) // has begun
	w.Fill(emulator.NewGenerator(1), 100, 40)
	w.SLS.Faults.Match = func(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "type=checkpoint") }
	w.SLS.Faults.Random(1, map[fault.Kind]float64{fault.Error500: 1})
	f := w.build(retry.Policy{}) // with the retries of a real one
	for range 2 {
		r, err := w.run(f)
		if err == nil || r.Status != receipt.Failed || !strings.Contains(r.Error, "checkpoint") {
			t.Errorf("%v, %+v", err, r)
		}
	}
	if got, all := len(w.mem.arrived()), len(w.Logs()); got == 0 || got > all*3/4 {
		t.Errorf("%d of %d events were delivered and not saved", got, all)
	}
	w.SLS.Faults.Random(1, nil)
	w.mem.set(func(m *memory) { m.latency = 0 })
	w.mustRun(w.consumer())
	w.wantAll(true)
	w.wantProof()
}

// Where the receipt cannot be kept, logs are delivered and no checkpoint moves.
func TestNoReceiptNoCheckpoint(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, nil)
	w.Fill(emulator.NewGenerator(1), 10, 10)
	// A file where the folder of receipts is to be.
	dir := filepath.Join(strings.TrimPrefix(w.Env["STATE_URL"], "file://"), name)
	inTheWay := filepath.Join(dir, "receipts")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := w.consumer()
	r, err := w.run(f)
	if err == nil || !strings.Contains(err.Error(), "STATE_URL: a checkpoint moves only after") || r.Status != receipt.Failed || r.Code != receipt.Unavailable {
		t.Fatalf("%v, receipt %+v", err, r)
	}
	for id := range 2 {
		if c := w.Checkpoint(group, id); c > w.First[id] {
			t.Errorf("the checkpoint of shard %d is at %d", id, c)
		}
	}
	if r.In != 0 || r.Again == 0 {
		t.Errorf("%d logs before the checkpoints, %d events to come again", r.In, r.Again)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	w.mustRun(f)
	w.wantAll(true)
	w.WantCheckpoints(group)
	w.wantProof()
}

func TestExpiredCursorGoesOnFromTheOldest(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, map[string]string{"SLS_ON_INVALID_CURSOR": "oldest"})
	gen := emulator.NewGenerator(1)
	w.Fill(gen, 3, 5)
	f := w.consumer()
	w.mustRun(f)
	w.Fill(gen, 4, 5)
	w.Store.Expire(0, 5)
	w.Expired(group, 0, 2)
	r := w.mustRun(f)
	if r.In != 2*5 || len(r.Gaps) != 1 || !strings.Contains(r.Gaps[0], "2 LogGroups") {
		t.Errorf("%+v", r)
	}
}
