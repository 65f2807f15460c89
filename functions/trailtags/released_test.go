package trailtags_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/trailtags"
	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/releasetest"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// releasedWorld is the one that states are recorded in, and gone on from. maxKey
// bounds the keys that the target takes.
func releasedWorld(t *testing.T, maxKey int) *world {
	env := maps.Clone(soon)
	env["LEASE_TTL"] = "2s"
	w := newWorld(t, emulator.Options{Shards: 2, MaxPullBytes: 10000, MaxKeyBytes: maxKey}, cloud.Options{}, env)
	w.trails()
	w.create(member, instance, "i-long", map[string]string{strings.Repeat("k", 110): "v", "project": "beta"})
	return w
}

// What is recorded besides STATE_URL and the source.
const (
	target  = "target.json.gz"
	deleted = "i-deleted" // an instance whose tags are kept, and which is gone
)

// A release is recorded that drained a logstore, with a row that the target
// refused, and was killed while it drained more.
func TestRecord(t *testing.T) {
	releasetest.Record(t, "trailtags", func(r *releasetest.Recording) {
		w := releasedWorld(t, 100)
		w.Unguarded = true
		w.create(member, instance, deleted, map[string]string{"project": "kept"})
		gen := emulator.NewGenerator(1)
		w.Fill(gen, 2, 3)
		w.put(0, w.write("StopInstance", member, instance, deleted), w.write("StopInstance", member, instance, "i-long"))
		p := proctest.Start(t, r.Binary, w.Env)
		if status, answer, err := p.Post(t.Context(), "{}", nil); err != nil || status != 200 {
			t.Fatalf("%d %s %v", status, answer, err)
		}
		before := len(w.out())
		w.Fill(gen, 20, 3)
		w.SLS.Faults.Delay = 20 * time.Millisecond
		w.SLS.Faults.Random(1, map[fault.Kind]float64{fault.Slow: 1})
		killed := make(chan struct{})
		go func() { defer close(killed); _, _, _ = p.Post(context.Background(), "{}", nil) }()
		consumetest.Eventually(t, "some of it is delivered", func() bool { return len(w.out()) > before+30 })
		p.Kill()
		<-killed
		w.Record(r)
		w.RecordStore(r, target, w.target)
	})
}

// What any release left is gone on from: nothing is lost, nothing that a
// checkpoint had passed comes again, tags that were kept are still known, and
// all of it can be read.
func TestStateOfReleasesIsTakenOver(t *testing.T) {
	releasetest.Each(t, func(t *testing.T, r *releasetest.Release) {
		w := releasedWorld(t, 0)
		w.Restore(r)
		w.RestoreStore(r, target, w.target)
		passed := map[string]bool{} // events that a checkpoint had passed
		for id, l := range w.Logs() {
			var shard, index int
			var cursor int64
			if _, err := fmt.Sscanf(id, "%d:%d:%d", &shard, &cursor, &index); err != nil {
				t.Fatal(err)
			}
			if cursor < w.Checkpoint(consumetest.Group, shard) {
				passed[parse(t, l.Contents[0].GetValue())["eventId"].(string)] = true
			}
		}
		before, held := w.countRows(), w.Quarantined()
		if len(before) == 0 || len(passed) == 0 || len(held) != 1 {
			t.Fatalf("the recording holds %d rows, %d events that are passed, and in quarantine %v", len(before), len(passed), held)
		}
		gone := w.write("DeleteInstance", member, instance, deleted).with("eventId", "gone")
		w.put(1, gone)

		if r := w.drain(); r.In == 0 {
			t.Errorf("%+v", r)
		}
		for row, n := range w.countRows() {
			if event, _, _ := strings.Cut(row, "/"); passed[event] && n != before[row] {
				t.Errorf("%s was there %d times, and is %d times", row, before[row], n)
			}
		}
		want(t, w.byID()["gone/1"], map[string]string{"tagStatus": "stale", "tag_project": "kept"})
		w.WantCheckpoints(consumetest.Group)

		s, _ := r.ReadBack(t, "trailtags", w.Open(w.Env["STATE_URL"]), w.Open(w.QuarantineURL()))
		if s.Pending.Objects != len(held) {
			t.Errorf("status knows of %d objects in quarantine, there are %d", s.Pending.Objects, len(held))
		}
		f := w.function()
		done, err := f.Replay(t.Context())
		if err != nil || done.Accepted != 1 || len(done.Kept) > 0 {
			t.Errorf("replay: %+v, %v", done, err)
		}
		w.wantRows(true)
		w.WantProof(repeating{f})

		// A month later its proof goes, and the next run goes on from where it was,
		// with the tags that were kept.
		releasetest.Age(t, w.Env["STATE_URL"], time.Now().AddDate(0, -1, 0))
		report, err := f.Prune(t.Context(), prune.Options{Keep: prune.Least})
		if err != nil || len(report.Lines) == 0 || report.Lines[0].Objects == 0 {
			t.Errorf("prune: %+v, %v", report, err)
		}
		w.put(0, gone.with("eventId", "gone again"))
		if r := w.drain(); r.In != 1 {
			t.Errorf("after the receipts have gone: %+v", r)
		}
		want(t, w.byID()["gone again/1"], map[string]string{"tagStatus": "stale", "tag_project": "kept"})
	})
}

// countRows counts the rows in the target, by event and number.
func (w *world) countRows() map[string]int {
	n := map[string]int{}
	for _, row := range w.out() {
		n[row["eventId"]+"/"+row["resourceIndex"]]++
	}
	return n
}

func TestNewerStateIsRefused(t *testing.T) {
	w := releasedWorld(t, 0)
	w.Fill(emulator.NewGenerator(1), 1, 3)
	w.drain()
	w.Fill(emulator.NewGenerator(2), 1, 3)
	rows := len(w.out())
	releasetest.Refused(t, "trailtags", trailtags.New, w.Env, []trigger.Event{{Kind: trigger.Tick}})
	if now := len(w.out()); now != rows {
		t.Errorf("%d rows were written", now-rows)
	}
}
