package otel

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
	"github.com/google/go-cmp/cmp"
	"github.com/sethvargo/go-envconfig"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/siemfeed/siemfeed/functions/slshec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// A drain brings every log of a logstore to the receiver, once and in the form
// that the README promises, and no checkpoint is ahead of it.
func TestSLSHECDrains(t *testing.T) {
	const shards, groups, logs = 4, 20, 50
	r := start(t)
	r.open()
	service := emulator.New(emulator.Options{Shards: shards, AccessKeySecret: "s3cret"}).Start()
	defer service.Close()
	store := service.Logstore()
	gen := emulator.NewGenerator(1)
	want, below := map[string]event{}, map[int][]string{} // by id; the ids of a shard, a group after the other
	first := map[int]int64{}
	for shard := range shards {
		first[shard], _ = store.Range(shard)
		for i := range groups {
			raw := gen.Group(logs)
			var g sdk.LogGroup
			if err := proto.Unmarshal(raw, &g); err != nil {
				t.Fatal(err)
			}
			for j, l := range g.Logs {
				id := fmt.Sprintf("%d:%d:%d", shard, first[shard]+int64(i), j)
				want[id] = mapped(id, shard, &g, l)
				below[shard] = append(below[shard], id)
			}
			store.Append(shard, raw)
		}
	}
	checkpoints := 0
	store.OnCheckpoint(func(e emulator.CheckpointEvent) {
		checkpoints++
		got := r.events()
		for _, id := range below[e.Shard][:(e.Number-first[e.Shard])*logs] {
			if len(got[id]) == 0 {
				t.Errorf("checkpoint of shard %d at %d, but %s has not arrived", e.Shard, e.Number, id)
				return
			}
		}
	})

	rec := drain(t, map[string]string{
		"SLS_ENDPOINT": service.URL(), "SLS_AK_ID": "ak", "SLS_AK_KEY": "s3cret",
		"SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": "to-splunk", "SLS_START": "begin",
		"HEC_URL": r.url, "HEC_TOKEN": "00000000-0000-0000-0000-00000000beef",
		"HEC_ACK": "true", "HEC_ACK_POLL": "10ms", "HEC_BATCH_BYTES": "65536",
		"HEC_INDEX": "cloud", "HEC_SOURCETYPE": "aliyun:{topic}", "HEC_SOURCE": "{project}/{tag:__hostname__}",
		"HEC_FIELDS": "env=prod", "HEC_JSON_KEYS": "requestParameters",
		"STATE_URL": "file://" + t.TempDir(),
	})
	if err := rec.Balance(); err != nil || rec.Status != receipt.OK || rec.Out != int64(len(want)) || rec.PossibleRepeats != 0 || len(rec.Stretches) != shards {
		t.Fatalf("%v, receipt %+v", err, rec)
	}
	got := r.events()
	for id, w := range want {
		if len(got[id]) != 1 {
			t.Fatalf("%s arrived %d times", id, len(got[id]))
		}
		g := got[id][0]
		checkTime(t, id, g.Time, int64(w.Time))
		g.Time = w.Time
		if diff := cmp.Diff(w, g); diff != "" {
			t.Fatalf("%s: (-want +got)\n%s", id, diff)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d events arrived, of %d", len(got), len(want))
	}
	for shard := range shards {
		if _, end := store.Range(shard); rec.Stretches[shard].In != groups*logs || store.Checkpoint("to-splunk", shard) == "" || end != first[shard]+groups {
			t.Errorf("shard %d: checkpoint %q, %+v", shard, store.Checkpoint("to-splunk", shard), rec.Stretches[shard])
		}
	}
	if checkpoints == 0 || r.zipped.Load() == 0 || r.plain.Load() != 0 || r.askings.Load() == 0 {
		t.Errorf("%d checkpoints, %d requests compressed, %d not, asked %d times for acknowledgements", checkpoints, r.zipped.Load(), r.plain.Load(), r.askings.Load())
	}
}

// drain runs the function once, as a tick does.
func drain(t *testing.T, env map[string]string) *slshec.Receipt {
	t.Helper()
	fn, err := slshec.Open(context.Background(), envconfig.MapLookuper(env), serve.WithLog(context.Background(), "slshec", slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := fn.Close(); err != nil {
			t.Error(err)
		}
	}()
	rec, err := fn.Run(t.Context(), trigger.Event{Kind: trigger.Tick})
	if err != nil {
		t.Fatal(err)
	}
	return rec.(*slshec.Receipt)
}

// mapped is the event that a log is to become.
func mapped(id string, shard int, g *sdk.LogGroup, l *sdk.Log) event {
	e := event{
		Time: pcommon.NewTimestampFromTime(time.Unix(int64(l.GetTime()), int64(l.GetTimeNs()))),
		Host: g.GetSource(), SourceType: "aliyun:audit_log", Index: "cloud",
		Event:  map[string]any{"__topic__": g.GetTopic()},
		Fields: map[string]any{"sls_project": "project", "sls_logstore": "logstore", "sls_shard": fmt.Sprint(shard), "sls_id": id, "env": "prod"},
	}
	for _, tag := range g.LogTags {
		e.Event["__tag__:"+tag.GetKey()] = tag.GetValue()
		if tag.GetKey() == "__hostname__" {
			e.Source = "project/" + tag.GetValue()
		}
	}
	for _, c := range l.Contents {
		e.Event[c.GetKey()] = c.GetValue()
		var object map[string]any
		if c.GetKey() == "requestParameters" && json.Unmarshal([]byte(c.GetValue()), &object) == nil {
			e.Event[c.GetKey()] = object
		}
	}
	return e
}
