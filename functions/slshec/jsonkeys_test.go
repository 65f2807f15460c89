package slshec_test

import (
	"encoding/json"
	"fmt"
	"testing"

	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// A value that is JSON arrives as JSON, any other as the string that it was,
// and the receipt counts those.
func TestJSONKeys(t *testing.T) {
	values := []struct{ value, want string }{
		{`{"eventName":"DeleteBucket","n":1.50}`, `{"eventName":"DeleteBucket","n":1.50}`},
		{"[\n  1,\n  2\n]", `[1,2]`},
		{`{"eventName":"DeleteBucket"`, `"{\"eventName\":\"DeleteBucket\""`}, // counted by both
		{`{}"},"fields":{"sls_id":"x"}}`, `"{}\"},\"fields\":{\"sls_id\":\"x\"}}"`},
		{`[NaN]`, `"[NaN]"`},
		{`DeleteBucket`, `"DeleteBucket"`}, // counted where the key is named
		{`17`, `"17"`},
	}
	for keys, notJSON := range map[string]int64{"event": 5, "other, event": 5, "*": 3, "*,event": 5, "Event": 0} {
		t.Run(keys, func(t *testing.T) {
			w := newWorld(t, emulator.Options{Shards: 1}, splunk.Options{}, map[string]string{"HEC_JSON_KEYS": keys})
			g := sls.LogGroup{Topic: "{}", Tags: []sls.KV{{Key: "event", Value: "[1]"}}}
			for _, v := range values {
				g.Logs = append(g.Logs, sls.Entry{Contents: []sls.KV{{Key: "event", Value: v.value}, {Key: "k", Value: "v"}}})
			}
			w.Put(0, g.Append(nil))
			r := w.mustRun(w.function())
			w.wantAll(false)
			if r.NotJSON != notJSON || r.Out != int64(len(values)) || r.Quarantined != 0 {
				t.Errorf("%d not JSON, want %d: %+v", r.NotJSON, notJSON, r.Core)
			}
			for i, v := range values {
				want := v.want
				if keys == "Event" {
					text, _ := json.Marshal(v.value)
					want = string(text)
				}
				e := w.events[fmt.Sprintf("0:%d:%d", w.First[0], i)]
				var got map[string]json.RawMessage
				if err := json.Unmarshal(e.Event, &got); err != nil {
					t.Fatal(err)
				}
				// Topic and tags are no keys of the log.
				if string(got["event"]) != want || string(got["k"]) != `"v"` || string(got["__topic__"]) != `"{}"` || string(got["__tag__:event"]) != `"[1]"` {
					t.Errorf("%s: %s, want %s", v.value, e.Event, want)
				}
			}
		})
	}
}

// ActionTrail's events arrive byte for byte, through the compressor too.
func TestActionTrailAsJSON(t *testing.T) {
	w := newWorld(t, emulator.Options{}, splunk.Options{}, map[string]string{"HEC_JSON_KEYS": "event", "HEC_SOURCETYPE": "aliyun:{topic}"})
	gen := emulator.NewGenerator(1)
	for range 10 {
		w.Put(0, gen.Trail(20))
		w.Put(1, gen.Trail(20))
	}
	r := w.mustRun(w.function())
	w.wantAll(false)
	w.WantCheckpoints(group)
	if r.NotJSON != 0 || r.Out != 400 {
		t.Errorf("%+v", r)
	}
	for id, l := range w.Logs() {
		var got struct{ Event json.RawMessage }
		if err := json.Unmarshal(w.events[id].Event, &got); err != nil || string(got.Event) != l.Contents[0].GetValue() {
			t.Errorf("%v: %s became %s", err, l.Contents[0].GetValue(), w.events[id].Raw)
		}
		if w.events[id].Sourcetype != "aliyun:actiontrail_audit_event" {
			t.Errorf("sourcetype %s", w.events[id].Sourcetype)
		}
	}
}
