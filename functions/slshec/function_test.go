package slshec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"

	"go.uber.org/goleak"

	"github.com/siemfeed/siemfeed/functions/slshec"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// exact compares what Splunk has of a log with the log itself.
func (w *world) exact(shard int, g *sdk.LogGroup, l *sdk.Log, e splunk.Event) {
	w.T.Helper()
	want := map[string]string{"__topic__": g.GetTopic()}
	for _, t := range g.LogTags {
		want["__tag__:"+t.GetKey()] = t.GetValue()
	}
	for _, c := range l.Contents {
		want[c.GetKey()] = c.GetValue()
	}
	var got map[string]string
	if err := json.Unmarshal(e.Event, &got); err != nil {
		w.T.Fatal(err)
	}
	at := fmt.Sprint(l.GetTime())
	if l.TimeNs != nil {
		at = fmt.Sprintf("%s.%09d", at, l.GetTimeNs())
	}
	if !maps.Equal(got, want) || e.Time != at || e.Host != g.GetSource() || e.Source != "sls" || e.Sourcetype != "alibaba:audit" || e.Index != "security" {
		w.T.Errorf("%s arrived as %s", l, e.Raw)
	}
	if string(e.Fields["sls_project"]) != `"project"` || string(e.Fields["sls_logstore"]) != `"logstore"` || string(e.Fields["sls_shard"]) != fmt.Sprintf("%q", fmt.Sprint(shard)) {
		w.T.Errorf("fields of %s", e.Raw)
	}
}

func TestDrainDeliversEveryLogOnce(t *testing.T) {
	const shards, groups, logs = 8, 125 / scale, 200
	w := newWorld(t, emulator.Options{Shards: shards}, splunk.Options{}, map[string]string{
		"HEC_SOURCE": "sls", "HEC_SOURCETYPE": "alibaba:audit", "HEC_INDEX": "security", "HEC_BATCH_BYTES": "1048576",
	})
	w.Fill(emulator.NewGenerator(1), groups, logs)
	f := w.function()
	r := w.mustRun(f)
	w.wantAll(false)
	w.WantCheckpoints(group)
	if r.In != shards*groups*logs || r.Out != r.In || r.Again != 0 || r.PossibleRepeats != 0 || len(r.Stretches) != shards {
		t.Errorf("receipt %+v", r)
	}
	var in int64
	for _, s := range r.Stretches {
		in += s.In
		first, end := w.Store.Range(s.Shard)
		if consumetest.CursorNumber(t, s.From) != first || consumetest.CursorNumber(t, s.To) != end || s.LagSeconds == nil || *s.LagSeconds != 0 || s.Behind != 0 {
			t.Errorf("row %+v", s)
		}
	}
	if in != r.In || r.BytesIn == 0 || r.BytesOut <= r.BytesIn {
		t.Errorf("rows sum up to %d, receipt %+v", in, r)
	}
	for id, l := range w.Logs() {
		w.exact(l.Shard, l.Group, l.Log, w.events[id])
	}
	if again := w.mustRun(f); again.In != 0 || w.hec.Repeats() != 0 {
		t.Errorf("a second run read %d", again.In)
	}
	w.wantNoSecret()
}

func TestTopics(t *testing.T) {
	w := newWorld(t, emulator.Options{}, splunk.Options{}, map[string]string{"SLS_TOPICS": "audit_log, other"})
	audit, noise := emulator.NewGenerator(1), emulator.NewGenerator(2)
	noise.Topic = "access_log"
	w.Filter = func(g *sdk.LogGroup) bool { return g.GetTopic() == "audit_log" }
	w.Fill(audit, 5, 10)
	w.Fill(noise, 7, 10)
	w.Fill(audit, 5, 10)
	r := w.mustRun(w.function())
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
			wantFiltered(t, newWorld(t, emulator.Options{ConsumeProcessors: map[string]string{"only-deletes": spl}}, splunk.Options{}, env))
		})
	}
}

func wantFiltered(t *testing.T, w *world) {
	t.Helper()
	w.Fill(emulator.NewGenerator(1), 30, 10)
	w.Filter = func(*sdk.LogGroup) bool { return false } // ids cannot be told in advance
	r := w.mustRun(w.function())
	w.WantCheckpoints(group)
	if r.In == 0 || r.In >= 2*300 || r.Out != r.In || w.hec.Repeats() > 0 || int64(len(w.events)) != r.Out {
		t.Errorf("receipt %+v, %d events", r.Core, len(w.events))
	}
	for _, e := range w.events {
		if !strings.Contains(string(e.Event), `"eventName":"DeleteBucket"`) {
			t.Errorf("%s", e.Raw)
		}
	}
}

func TestAcknowledgement(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 3}, splunk.Options{AckDelay: 30 * time.Millisecond}, map[string]string{"HEC_ACK": "true", "HEC_GZIP": "false"})
	w.Fill(emulator.NewGenerator(1), 20, 50)
	r := w.mustRun(w.function())
	w.wantAll(false)
	w.WantCheckpoints(group)
	if r.Out != 3*20*50 {
		t.Errorf("receipt %+v", r.Core)
	}
}

// An acknowledgement that never comes moves no checkpoint, and the run says so.
func TestNeverAcknowledged(t *testing.T) {
	w := newWorld(t, emulator.Options{}, splunk.Options{AckNever: true}, map[string]string{"HEC_ACK": "true", "HEC_ACK_TIMEOUT": "50ms"})
	w.Fill(emulator.NewGenerator(1), 2, 5)
	r, err := w.run(w.function())
	if err == nil || r.Status != receipt.Failed || r.Out != 0 || !strings.Contains(r.Error, "not acknowledged") {
		t.Errorf("%v %+v", err, r)
	}
	w.WantNoCheckpoint(group)
}

// wantNoCheckpoint wants each shard where it began: without a checkpoint, or
// with one there, which a worker sets so that "end" stays what it was.
func (w *world) wantNoCheckpoint() {
	w.T.Helper()
	for id, first := range w.First {
		if c := w.Store.Checkpoint(group, id); consumetest.CursorNumber(w.T, c) > first {
			w.T.Errorf("shard %d has a checkpoint: %d", id, consumetest.CursorNumber(w.T, c))
		}
	}
}

// Events that Splunk refuses lie in quarantine before their checkpoint, with
// its code; the rest arrives, and the run has done all there is to do.
func TestRefusedEvents(t *testing.T) {
	for _, o := range []splunk.Options{{}, {OmitEventNumber: true}, {Partial: true, EventNumberOffset: 1}} {
		o.Refuse = func(e splunk.Event) int {
			if strings.HasSuffix(e.ID, ":7") {
				return 6
			}
			return 0
		}
		w := newWorld(t, emulator.Options{}, o, nil)
		w.Fill(emulator.NewGenerator(1), 6, 20)
		r := w.mustRun(w.function())
		w.wantAll(o.Partial) // Splunk may have indexed what stood before the refused one
		w.WantCheckpoints(group)
		if r.Quarantined != 12 || r.Out != 2*6*19 || len(r.Objects) == 0 {
			t.Errorf("receipt %+v", r.Core)
		}
		for id, code := range w.Quarantined() {
			if code != "hec-6" {
				t.Errorf("%s: code %s", id, code)
			}
		}
	}
}

// What is refused lies in quarantine once, under the day on which SLS received
// it, however often and in whatever company it is delivered.
func TestQuarantineNamesStayTheSame(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, splunk.Options{Refuse: refusedOf}, map[string]string{"HEC_BATCH_BYTES": "1048576"})
	gen := emulator.NewGenerator(1)
	now := time.Now()
	days := map[string]int{}
	for _, day := range []time.Time{now.AddDate(0, 0, -3), now.AddDate(0, 0, -1), now} {
		for range 20 {
			w.PutAt(day, 0, gen.Group(20))
		}
	}
	for id := range w.Logs() {
		if w.belongsInQuarantine(id) {
			n, _ := strconv.ParseInt(strings.Split(id, ":")[1], 10, 64)
			days[[]time.Time{now.AddDate(0, 0, -3), now.AddDate(0, 0, -1), now}[(n-w.First[0])/20].UTC().Format("2006/01/02")]++
		}
	}
	w.Store.AppendBroken(0, gen.Group(5)[:10])
	days[now.UTC().Format("2006/01/02")]++
	for _, bytes := range []string{"1048576", "3000", "20000"} {
		w.Env["HEC_BATCH_BYTES"], w.Env["SLS_CG"] = bytes, "group-"+bytes // each begins at the beginning
		w.mustRun(w.function())
	}
	q := w.Open(w.QuarantineURL())
	got := map[string]int{}
	keys, err := q.Keys(t.Context(), "slshec/")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		got[strings.TrimPrefix(k, "slshec/")[:len("2006/01/02")]]++
	}
	if !maps.Equal(got, days) || len(got) != 3 {
		t.Errorf("objects by day %v, want %v", got, days)
	}
}

// A group that is not protobuf all the way goes to quarantine: from its first
// bad log on, or with its page where its frame is broken too.
func TestMalformedGroups(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"log":   func(b []byte) []byte { b[bytes.LastIndex(b, []byte("message"))-1] = 99; return b }, // a length
		"frame": func(b []byte) []byte { return b[:len(b)-3] },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{Shards: 1}, splunk.Options{}, nil)
			gen := emulator.NewGenerator(1)
			w.Fill(gen, 1, 5)
			w.Store.AppendBroken(0, spoil(gen.Group(5)))
			r := w.mustRun(w.function())
			w.WantCheckpoints(group)
			want := int64(5)
			if name == "log" {
				want += 4
			}
			if r.Quarantined != 1 || r.Out != want || r.In != want+1 {
				t.Errorf("receipt %+v", r.Core)
			}
			if codes := w.Quarantined(); len(codes) != 1 || codes[""] != "malformed" {
				t.Errorf("quarantine %v", codes)
			}
		})
	}
}

func TestInvalidUTF8IsRepairedAndCounted(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, splunk.Options{}, nil)
	g := sls.LogGroup{Logs: []sls.Entry{{Time: time.Unix(1700000000, 0), Contents: []sls.KV{{Key: "k\xff", Value: "a\xc3b"}}}}}
	w.Put(0, g.Append(nil))
	r := w.mustRun(w.function())
	w.wantAll(false)
	if r.InvalidUTF8 != 2 {
		t.Errorf("%d invalid bytes", r.InvalidUTF8)
	}
	for _, e := range w.events {
		if !strings.Contains(string(e.Event), `"k�":"a�b"`) {
			t.Errorf("%s", e.Raw)
		}
	}
}

// The SLS trigger of Function Compute hands over a range; 200 means delivered.
func TestRange(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, splunk.Options{}, nil)
	w.Fill(emulator.NewGenerator(1), 10, 5)
	first, _ := w.Store.Range(1)
	ev := trigger.Event{Kind: trigger.Logs, Range: &trigger.LogRange{
		Project: "project", Logstore: "logstore", Shard: 1, Begin: sls.FormatCursor(first + 2), End: sls.FormatCursor(first + 6),
	}}
	f := w.function()
	r, err := w.runEvent(f, ev)
	if err != nil || r.Status != receipt.OK || r.In != 20 || r.Out != 20 || len(r.Stretches) != 1 {
		t.Fatalf("%v %+v", err, r)
	}
	for i := range int64(10) {
		want := 0
		if i >= 2 && i < 6 {
			want = 1
		}
		if got := w.hec.Accepted(fmt.Sprintf("1:%d:0", first+i)); got != want {
			t.Errorf("group %d: %d times", i, got)
		}
	}
	w.WantNoCheckpoint(group)
	ev.Range.Logstore = "another"
	if _, err := w.runEvent(f, ev); !isRefused(err) {
		t.Errorf("a range of another logstore: %v", err)
	}
}

func TestEventsThatAreNoneOfOurs(t *testing.T) {
	f := newWorld(t, emulator.Options{}, splunk.Options{}, nil).function()
	for _, ev := range []trigger.Event{
		{Kind: trigger.PubSub, Data: []byte(`{"hello":1}`)},
		{Kind: trigger.Objects, Path: "s3"},
	} {
		if r, err := f.Run(t.Context(), ev); r != nil || !isRefused(err) {
			t.Errorf("%v: %v %v", ev, r, err)
		}
	}
}

var tick = trigger.Event{Kind: trigger.Tick}

func isRefused(err error) bool {
	var refused *trigger.Error
	return errors.As(err, &refused) && refused.Status == 400
}

// Two ticks at once: one works, the other says so and does nothing.
func TestOverlappingTicks(t *testing.T) {
	w := newWorld(t, emulator.Options{}, splunk.Options{Latency: 50 * time.Millisecond}, nil)
	w.Fill(emulator.NewGenerator(1), 20, 50)
	a, b := w.function(), w.function()
	var wg sync.WaitGroup
	results := make([]*slshec.Receipt, 2)
	for i, f := range []*slshec.Function{a, b} {
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

// A drain whose time is up commits what is durable, says what is left, and the
// next one goes on there, without a repeat.
func TestDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, emulator.Options{Shards: 2, MaxPullBytes: 20000}, splunk.Options{Latency: 20 * time.Millisecond}, map[string]string{
		"RUN_TIMEOUT": "2s", "HEC_BATCH_BYTES": "20000", "HEC_CONCURRENCY": "1",
	})
	w.Fill(emulator.NewGenerator(1), 150, 10)
	f := w.function()
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
