package slshec_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/slshec"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

func TestVerify(t *testing.T) {
	w := newWorld(t, emulator.Options{}, splunk.Options{Refuse: refusedOf}, nil)
	gen := emulator.NewGenerator(1)
	f := w.function()
	for range 3 {
		w.Fill(gen, 10, 10)
		w.mustRun(f)
	}
	findings := func() []receipt.Finding {
		t.Helper()
		list, err := f.Verify(t.Context(), time.Time{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		var all []receipt.Finding
		for _, v := range list {
			if len(v.Findings) == 0 && (v.Held < 300 || v.Receipts != v.Held || v.Accepted+v.Quarantined != v.Held) {
				t.Errorf("%+v", v)
			}
			all = append(all, v.Findings...)
		}
		return all
	}
	if list := findings(); len(list) > 0 {
		t.Errorf("%v", list)
	}

	// A run that began before midnight counts logs of the day after.
	today := time.Now().UTC().Truncate(24 * time.Hour)
	for _, r := range w.receipts() {
		key := r.Key()
		r.StartedAt = today.Add(-time.Minute)
		if err := errors.Join(w.State.Remove(t.Context(), key), w.State.PutJSON(t.Context(), r.Key(), r)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := f.Verify(t.Context(), today, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if len(v.Findings) > 0 || v.Receipts != v.Held || v.Held < 300 {
			t.Errorf("%+v", v)
		}
	}

	// What is not delivered yet, and a receipt that is gone, are named.
	w.Fill(gen, 2, 10)
	if list := findings(); len(list) != 2 || list[0].Kind != receipt.Behind || !strings.Contains(list[0].Detail, "2 LogGroups") {
		t.Errorf("%v", list)
	}
	w.mustRun(f)
	keys, err := w.State.Keys(t.Context(), "slshec/receipts/")
	if err != nil || len(keys) != 4 {
		t.Fatal(keys, err)
	}
	var second slshec.Receipt
	if err := w.State.ReadJSON(t.Context(), keys[1], &second); err != nil {
		t.Fatal(err)
	}
	if err := w.State.Remove(t.Context(), keys[1]); err != nil {
		t.Fatal(err)
	}
	if list := findings(); len(list) != 2 || list[0].Kind != receipt.Gap || !strings.Contains(list[0].Detail, "10 LogGroups") {
		t.Errorf("%v", list)
	}
	// A receipt that counts other than SLS does is found out.
	second.Stretches[0].In--
	if err := w.State.PutJSON(t.Context(), keys[1], second); err != nil {
		t.Fatal(err)
	}
	if list := findings(); len(list) != 1 || list[0].Kind != receipt.Missing {
		t.Errorf("%v", list)
	}
}

// Where the receipt cannot be kept, logs are delivered and no checkpoint moves.
func TestNoReceiptNoCheckpoint(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, splunk.Options{}, nil)
	w.Fill(emulator.NewGenerator(1), 10, 10)
	// A file where the folder of receipts is to be.
	dir := filepath.Join(strings.TrimPrefix(w.Env["STATE_URL"], "file://"), "slshec")
	inTheWay := filepath.Join(dir, "receipts")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := w.function()
	r, err := w.run(f)
	if err == nil || retry.IsPermanent(err) || !strings.Contains(err.Error(), "STATE_URL: a checkpoint moves only after") || r.Status != receipt.Failed {
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

func TestBackfill(t *testing.T) {
	w := newWorld(t, emulator.Options{}, splunk.Options{}, map[string]string{"SLS_START": "end"})
	gen := emulator.NewGenerator(1)
	now := time.Now().Truncate(time.Second)
	for id := range 2 {
		w.First[id], _ = w.Store.Range(id)
		for h := range 5 {
			w.Store.AppendAt(now.Add(time.Duration(h-5)*time.Hour), id, gen.Group(10))
		}
	}
	f := w.function()
	var events int64
	note := func(r receipt.Receipt) { events += r.Base().Out }
	if err := f.Backfill(t.Context(), now.Add(-4*time.Hour), now.Add(-2*time.Hour), note); err != nil {
		t.Fatal(err)
	}
	if events != 2*2*10 {
		t.Errorf("%d events", events)
	}
	for id := range 2 {
		for h := range 5 {
			want := 0
			if h == 1 || h == 2 {
				want = 1
			}
			if got := w.hec.Accepted(fmt.Sprintf("%d:%d:0", id, w.First[id]+int64(h))); got != want {
				t.Errorf("shard %d group %d: %d", id, h, got)
			}
		}
	}
	if n := w.SLS.Calls()["DeleteConsumerGroup"]; n != 1 {
		t.Errorf("%d groups removed", n)
	}
	if err := f.Backfill(t.Context(), now, now, nil); err == nil {
		t.Error("an empty span")
	}
}

func TestReplay(t *testing.T) {
	w := newWorld(t, emulator.Options{}, splunk.Options{Refuse: refusedOf}, nil)
	w.Fill(emulator.NewGenerator(1), 40, 20)
	f := w.function()
	r := w.mustRun(f)
	if r.Quarantined == 0 {
		t.Fatal("nothing was refused")
	}
	inside := w.Quarantined()
	// Refused still: all stays.
	if done, err := f.Replay(t.Context(), nil); err != nil || done.Objects != 0 || len(done.Kept) != len(r.Objects) {
		t.Errorf("%+v %v", done, err)
	}
	w.refuse = nil
	done, err := f.Replay(t.Context(), nil)
	if err != nil || int64(done.Accepted) != r.Quarantined || done.Objects != len(r.Objects) || len(done.Kept) > 0 {
		t.Errorf("%+v %v", done, err)
	}
	for id := range inside {
		if w.hec.Accepted(id) != 1 {
			t.Errorf("%s: %d times", id, w.hec.Accepted(id))
		}
	}
	if done, err := f.Replay(t.Context(), nil); err != nil || done.Accepted != 0 {
		t.Errorf("again: %+v %v", done, err)
	}
	w.wantAll(false)
}

func TestDoctor(t *testing.T) {
	failed := func(w *world) (names []string) {
		for _, c := range w.function().Doctor(t.Context()) {
			if !c.OK() {
				names = append(names, c.Name)
				if c.Fix == "" {
					t.Errorf("%s: no fix", c.Name)
				}
			}
		}
		return names
	}
	w := newWorld(t, emulator.Options{}, splunk.Options{}, nil)
	gen := emulator.NewGenerator(1)
	w.Fill(gen, 3, 3)
	if names := failed(w); len(names) > 0 {
		t.Errorf("before the first run: %v", names)
	}
	w.mustRun(w.function())
	w.Fill(gen, 3, 3)
	if names := failed(w); len(names) > 0 {
		t.Errorf("after a run: %v", names)
	}
	w.Store.Expire(1, 5)
	if names := failed(w); len(names) != 1 || names[0] != "checkpoint of shard 1" {
		t.Errorf("expired: %v", names)
	}
	processors := map[string]string{"one": "*"}
	w = newWorld(t, emulator.Options{ConsumeProcessors: processors}, splunk.Options{}, map[string]string{"SLS_PROCESSOR": "one"})
	if names := failed(w); len(names) > 0 {
		t.Errorf("with a consume processor: %v", names)
	}
	for name, tc := range map[string]struct {
		env  map[string]string
		want string
	}{
		"token":    {map[string]string{"HEC_TOKEN": "another"}, "HEC token"},
		"ack":      {map[string]string{"HEC_ACK": "true"}, "HEC ack"},
		"logstore": {map[string]string{"SLS_LOGSTORE": "another"}, "logstore"},
		"secret":   {map[string]string{"SLS_AK_KEY": "another"}, "logstore"},
		"filter":   {map[string]string{"SLS_PROCESSOR": "another"}, "consume processor"},
	} {
		w := newWorld(t, emulator.Options{ConsumeProcessors: processors}, splunk.Options{Tokens: []splunk.Token{{Value: token}}}, tc.env)
		if names := failed(w); !strings.Contains(strings.Join(names, ","), tc.want) {
			t.Errorf("%s: %v", name, names)
		}
		w.wantNoSecret()
	}
}

// A drain that has lost its lease stops at once, moves no checkpoint any more,
// and says who has it.
func TestALostLeaseStopsTheRun(t *testing.T) {
	w := newWorld(t, emulator.Options{MaxPullBytes: 20000}, splunk.Options{Latency: 100 * time.Millisecond}, map[string]string{
		"LEASE_TTL": "1s", "HEC_CONCURRENCY": "1", "HEC_BATCH_BYTES": "20000",
	})
	w.Fill(emulator.NewGenerator(1), 100, 10)
	f := w.function()
	var wg sync.WaitGroup
	var r *slshec.Receipt
	var err error
	wg.Go(func() { r, err = w.run(f) })
	consumetest.Eventually(t, "it is at work", func() bool { return w.hec.Stats().Events > 100 })
	const prefix = "slshec/lease/project/logstore/" + group + "/"
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

func TestFollowAnswersTicksAndTellsItsReadiness(t *testing.T) {
	w := newWorld(t, emulator.Options{}, splunk.Options{}, quick)
	f := w.follower("one")
	if f.Ready() == nil {
		t.Error("ready before it has begun")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.Background(ctx); err != nil {
			t.Error(err)
		}
	})
	consumetest.Eventually(t, "it is ready", func() bool { return f.Ready() == nil })
	if r, err := w.run(f); err != nil || r.Status != receipt.Busy {
		t.Errorf("%v %+v", err, r)
	}
	w.Fill(emulator.NewGenerator(1), 5, 10)
	consumetest.Eventually(t, "all is delivered", func() bool { return len(w.hec.Counts()) == 100 })
	if len(f.Status()) != 2 {
		t.Errorf("%v", f.Status())
	}
	cancel()
	wg.Wait()
	if f.Ready() == nil {
		t.Error("ready after its end")
	}
	w.wantAll(false)
	w.WantCheckpoints(group)
}
