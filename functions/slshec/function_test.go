package slshec_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"go.uber.org/goleak"

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
	const shards, groups, logs = 8, 40 / scale, 200
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

var tick = trigger.Event{Kind: trigger.Tick}
