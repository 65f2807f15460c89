package slshec_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"

	"github.com/siemfeed/siemfeed/functions/slshec"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/releasetest"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// releasedWorld is the one that states are recorded in. Some events are refused
// while refuse says so.
func releasedWorld(t *testing.T, refuse func(splunk.Event) int) *world {
	env := maps.Clone(quick)
	maps.Copy(env, map[string]string{"HEC_BATCH_BYTES": "4096", "HEC_CONCURRENCY": "1", "LEASE_TTL": "2s"})
	return newWorld(t, emulator.Options{Shards: 2, MaxPullBytes: 8000}, splunk.Options{Refuse: refuse, Latency: 5 * time.Millisecond}, env)
}

// refusedThen are refused as long as a state is recorded.
func refusedThen(e splunk.Event) int {
	if strings.HasSuffix(e.ID, "5:1") {
		return 6
	}
	return 0
}

const delivered = "delivered.json"

// A release is recorded that drained a logstore, with some events refused, and
// was killed while it drained more.
func TestRecord(t *testing.T) {
	releasetest.Record(t, "slshec", func(r *releasetest.Recording) {
		w := releasedWorld(t, refusedThen)
		w.Unguarded = true
		gen := emulator.NewGenerator(1)
		w.Fill(gen, 10, 4)
		p := proctest.Start(t, r.Binary, w.Env)
		if status, answer, err := p.Post(t.Context(), "{}", nil); err != nil || status != 200 {
			t.Fatalf("%d %s %v", status, answer, err)
		}
		w.Fill(gen, 40, 4)
		killed := make(chan struct{})
		go func() { defer close(killed); _, _, _ = p.Post(context.Background(), "{}", nil) }()
		consumetest.Eventually(t, "some of it is delivered", func() bool { return w.hec.Stats().Events > 2*25*4 })
		p.Kill()
		<-killed
		w.Record(r)
		r.JSON(delivered, w.hec.Counts())
	})
}

// What any release left is gone on from: nothing is lost, nothing that a
// checkpoint had passed comes again, and all of it can be read.
func TestStateOfReleasesIsTakenOver(t *testing.T) {
	releasetest.Each(t, func(t *testing.T, r *releasetest.Release) {
		w := releasedWorld(t, refusedThen)
		var before map[string]int
		r.JSON(t, delivered, &before)
		w.Durable = func(id string, _ *sdk.Log) bool { return before[id] > 0 || w.hec.Accepted(id) > 0 }
		w.Restore(r)
		passed := map[int]int64{}
		for id := range w.First {
			passed[id] = w.Checkpoint(group, id)
		}
		if held := w.Quarantined(); len(before) == 0 || len(held) == 0 || passed[0] == 0 {
			t.Fatalf("the recording holds %d delivered, %v refused, checkpoints %v", len(before), held, passed)
		}
		gen := emulator.NewGenerator(2)
		w.Fill(gen, 5, 4)

		f := w.function()
		if r := w.mustRun(f); r.In == 0 {
			t.Errorf("%+v", r)
		}
		arrived := maps.Clone(before)
		for id, n := range w.hec.Counts() {
			var shard, index int
			var cursor int64
			if _, err := fmt.Sscanf(id, "%d:%d:%d", &shard, &cursor, &index); err != nil {
				t.Fatal(err)
			}
			if n != 1 || cursor < passed[shard] {
				t.Errorf("%s is delivered %d times, and the checkpoint was at %d", id, n, passed[shard])
			}
			arrived[id] += n
		}
		w.WantAll(arrived, w.belongsInQuarantine, true)
		w.WantCheckpoints(group)
		w.wantProof()
		held := w.Quarantined()

		state, rejected := w.Open(w.Env["STATE_URL"]), w.Open(w.QuarantineURL())
		s, _ := r.ReadBack(t, "slshec", state, rejected)
		if s.Pending.Objects != len(held) {
			t.Errorf("status knows of %d objects in quarantine, there are %d", s.Pending.Objects, len(held))
		}

		w.refuse = nil
		done, err := f.Replay(t.Context())
		if err != nil || done.Accepted != len(held) || len(done.Kept) > 0 {
			t.Errorf("replay: %+v, %v", done, err)
		}
		for id := range held {
			if w.hec.Accepted(id) != 1 {
				t.Errorf("%s was replayed, and has arrived %d times", id, w.hec.Accepted(id))
			}
		}
		if again, err := f.Replay(t.Context()); err != nil || again.Accepted > 0 {
			t.Errorf("replayed again: %+v, %v", again, err)
		}
		w.wantProof()

		// A month later its proof goes, and the next run goes on from where it was.
		month := time.Now().AddDate(0, -1, 0)
		releasetest.Age(t, w.Env["STATE_URL"], month)
		report, err := f.Prune(t.Context(), prune.Options{Keep: prune.Least})
		if err != nil || len(report.Lines) == 0 || report.Lines[0].Objects == 0 {
			t.Errorf("prune: %+v, %v", report, err)
		}
		w.Fill(gen, 1, 4)
		if r := w.mustRun(f); r.In != 2*4 {
			t.Errorf("after the receipts have gone: %+v", r)
		}
	})
}

func TestNewerStateIsRefused(t *testing.T) {
	w := releasedWorld(t, nil)
	w.Fill(emulator.NewGenerator(1), 1, 4)
	w.mustRun(w.function())
	w.Fill(emulator.NewGenerator(2), 1, 4)
	sent := w.hec.Stats().Events
	first, end := w.Store.Range(0)
	releasetest.Refused(t, "slshec", slshec.New, w.Env, []trigger.Event{
		{Kind: trigger.Tick},
		{Kind: trigger.Logs, Range: &trigger.LogRange{Project: "project", Logstore: "logstore", Shard: 0, Begin: sls.FormatCursor(first), End: sls.FormatCursor(end)}},
	})
	if now := w.hec.Stats().Events; now != sent {
		t.Errorf("%d events were delivered", now-sent)
	}
}
