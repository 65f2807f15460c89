package consumetest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// guard fails the test at a checkpoint that is ahead.
func (w *World) guard(e emulator.CheckpointEvent) {
	if w.Unguarded {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	first, known := w.First[e.Shard]
	if !known {
		return // a shard without logs
	}
	if w.passed[e.Group] == nil {
		w.passed[e.Group] = map[int]int64{}
	}
	_, begun := w.passed[e.Group][e.Shard]
	if !begun && (e.Group != Group || w.Env["SLS_START"] != "begin") { // where the group begins
		w.passed[e.Group][e.Shard] = e.Number
		return
	}
	from := max(first, w.passed[e.Group][e.Shard])
	to := min(e.Number, first+int64(len(w.groups[e.Shard])))
	for n := from; n < to; n++ {
		g := w.groups[e.Shard][n-first]
		if !w.Filter(g) {
			continue
		}
		for j := range g.Logs {
			if id := ID(e.Shard, n, j); !w.safe(id, g.Logs[j]) {
				w.T.Errorf("checkpoint of shard %d at %d, but log %s is neither durable nor in quarantine", e.Shard, e.Number, id)
				return
			}
		}
	}
	if to > from {
		w.wantReceipt(e)
	}
	w.passed[e.Group][e.Shard] = max(from, to)
}

// safe tells whether a log is durable, or in quarantine.
func (w *World) safe(id string, l *sdk.Log) bool {
	if w.Durable(id, l) {
		return true
	}
	if _, held := w.inside[id]; held {
		return true
	}
	w.inside = w.Quarantined()
	_, held := w.inside[id]
	return held
}

// wantReceipt fails the test at a checkpoint that no receipt accounts for.
func (w *World) wantReceipt(e emulator.CheckpointEvent) {
	found, err := w.accounted(e)
	for bucket.IsNotFound(err) { // another member's run ended meanwhile, and its receipt was replaced
		found, err = w.accounted(e)
	}
	switch {
	case err != nil:
		w.T.Error(err)
	case !found:
		w.T.Errorf("checkpoint of shard %d at %d, and no receipt accounts for it", e.Shard, e.Number)
	}
}

// accounted tells whether a receipt accounts for a checkpoint.
func (w *World) accounted(e emulator.CheckpointEvent) (bool, error) {
	for _, key := range slices.Backward(w.receiptKeys()) { // most often it is the newest
		var r consume.Receipt
		if err := w.State.ReadJSON(context.Background(), key, &r); err != nil {
			return false, err
		}
		for _, s := range r.Stretches {
			if to, ok := sls.CursorNumber(s.To); r.Group == e.Group && s.Shard == e.Shard && ok && to >= e.Number {
				return true, nil
			}
		}
	}
	return false, nil
}

// Quarantined returns the code of each record in quarantine, by the log's id.
func (w *World) Quarantined() map[string]string {
	b, err := bucket.Open(context.Background(), w.QuarantineURL(), outagetest.WithKeys())
	if err != nil {
		w.T.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	q := quarantine.New(b, w.function)
	out := map[string]string{}
	for obj, err := range q.Pending(context.Background()) {
		if err != nil {
			w.T.Error(err)
			break
		}
		for rec, err := range q.Read(context.Background(), obj.Name) {
			if err != nil {
				w.T.Error(err)
				break
			}
			var at struct {
				ID string `json:"sls_id"`
			}
			if err := json.Unmarshal(rec.Source, &at); err != nil {
				w.T.Error(err)
			}
			out[at.ID] = rec.Code
		}
	}
	return out
}

// QuarantineURL is where the function's quarantine lies.
func (w *World) QuarantineURL() string {
	if u := w.Env["QUARANTINE_URL"]; u != "" {
		return u
	}
	u, err := bucket.Sub(w.Env["STATE_URL"], "quarantine")
	if err != nil {
		w.T.Fatal(err)
	}
	return u
}

// WantProof checks that a verification finds nothing wrong, and counts each log
// once.
func (w *World) WantProof(f Function) {
	w.T.Helper()
	list, err := f.Verify(context.Background(), time.Time{}, time.Time{})
	if err != nil {
		w.T.Fatal(err)
	}
	var accounted int64
	for _, v := range list {
		for _, f := range v.Findings {
			w.T.Errorf("%+v", f)
		}
		if v.Receipts != v.Accepted+v.Filtered+v.Quarantined || v.Receipts != v.Held {
			w.T.Errorf("shard %d does not add up: %+v", v.Shard, v)
		}
		accounted += v.Receipts
	}
	total := 0
	for _, groups := range w.groups {
		for _, g := range groups {
			total += len(g.Logs)
		}
	}
	if accounted != int64(total) {
		w.T.Errorf("%d logs are accounted for, there are %d", accounted, total)
	}
}

// WantAll checks that each log arrived, or lies in quarantine if that is where it
// belongs; and unless repeats are allowed, once. arrived counts what arrived, by
// id; refused tells what belongs in quarantine.
func (w *World) WantAll(arrived map[string]int, refused func(id string) bool, repeats bool) {
	w.T.Helper()
	inside := w.Quarantined()
	missing, repeated, wrong, strange := 0, 0, 0, 0
	want := w.Logs()
	for id := range want {
		n := arrived[id]
		_, held := inside[id]
		switch {
		case refused(id) && (!held || n > 0), !refused(id) && held:
			wrong++
		case !refused(id) && n == 0:
			missing++
		case n > 1:
			repeated++
		}
	}
	for id := range arrived {
		if _, known := want[id]; !known {
			strange++
		}
	}
	if missing > 0 || wrong > 0 || strange > 0 || repeated > 0 && !repeats {
		w.T.Errorf("of %d logs %d are missing, %d repeated, %d wrongly in or not in quarantine; %d are none of them", len(want), missing, repeated, wrong, strange)
	}
}

// WantCheckpoints checks that every shard's checkpoint is at its end.
func (w *World) WantCheckpoints(group string) {
	w.T.Helper()
	ids, _ := w.Store.ShardIDs()
	for _, id := range ids {
		_, end := w.Store.Range(id)
		if n := w.Checkpoint(group, id); n != end && w.groups[id] != nil {
			w.T.Errorf("checkpoint of shard %d is at %d, its end at %d", id, n, end)
		}
	}
}

// WantNoCheckpoint wants each shard where it began: without a checkpoint, or
// with one there, which is the first that a worker saves.
func (w *World) WantNoCheckpoint(group string) {
	w.T.Helper()
	for id, first := range w.First {
		if n := w.Checkpoint(group, id); n > first {
			w.T.Errorf("shard %d has a checkpoint: %d", id, n)
		}
	}
}

// Checkpoint is the cursor of a shard's checkpoint, as a number; 0 without one.
func (w *World) Checkpoint(group string, shard int) int64 {
	w.T.Helper()
	return CursorNumber(w.T, w.Store.Checkpoint(group, shard))
}
