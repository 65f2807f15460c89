package slshec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/doctor"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Each log group fills the placeholders; what comes to nothing is as if it had
// not been set.
func TestRouting(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 1}, splunk.Options{}, map[string]string{
		"HEC_INDEX":      "{tag:team}",
		"HEC_SOURCETYPE": "aliyun:{topic}",
		"HEC_SOURCE":     "{project}/{logstore}/{source}",
		"HEC_HOST":       "{tag:__hostname__}",
		"HEC_FIELDS":     "env=prod, owner=SOC 1",
	})
	log := func(g *sls.LogGroup) []byte {
		g.Logs = []sls.Entry{{Contents: []sls.KV{{Key: "k", Value: "v"}}}}
		return g.Append(nil)
	}
	w.Put(0,
		log(&sls.LogGroup{Topic: "audit", Source: "10.0.0.1", Tags: []sls.KV{{Key: "team", Value: "red"}, {Key: "__hostname__", Value: "web-1"}}}),
		log(&sls.LogGroup{Topic: "access", Source: "10.0.0.2", Tags: []sls.KV{{Key: "team", Value: "bl\"ue"}}}),
		log(&sls.LogGroup{}),
	)
	w.mustRun(w.function())
	w.wantAll(false)
	for i, want := range []string{
		`"host":"web-1","source":"project/logstore/10.0.0.1","sourcetype":"aliyun:audit","index":"red","event"`,
		`"host":"10.0.0.2","source":"project/logstore/10.0.0.2","sourcetype":"aliyun:access","index":"bl\"ue","event"`,
		`"source":"project/logstore/","sourcetype":"aliyun:","event"`,
	} {
		e := w.events[fmt.Sprintf("0:%d:0", w.First[0]+int64(i))]
		_, after, _ := strings.Cut(string(e.Raw), ",") // the time
		if !strings.HasPrefix(after, want) || string(e.Fields["env"]) != `"prod"` || string(e.Fields["owner"]) != `"SOC 1"` {
			t.Errorf("%s\nwant %s", e.Raw, want)
		}
	}
}

// No event can be asked about before there is one, so an index that depends on
// them is not asked for.
func TestDoctorOfAnIndexThatIsFilled(t *testing.T) {
	for index, says := range map[string]string{
		"{logstore}": "logstore", // the same for every event: asked for
		"{tag:team}": "{tag:team} is filled for each log group",
	} {
		w := newWorld(t, emulator.Options{}, splunk.Options{Tokens: []splunk.Token{{Value: token, Indexes: []string{"main"}}}}, map[string]string{"HEC_INDEX": index})
		w.Fill(emulator.NewGenerator(1), 1, 1)
		var found doctor.Check
		for _, c := range w.function().Doctor(t.Context()) {
			if strings.HasPrefix(c.Name, "HEC index") {
				found = c
			} else if !c.OK() {
				t.Errorf("%+v", c)
			}
		}
		if !strings.Contains(found.Detail, says) {
			t.Errorf("%s: %+v", index, found)
		}
	}
}

// An index that comes of a log group and that the token may not write to is the
// fault of that group's logs: whoever may tag one must not stop all others. It is
// the configuration's where no log gets through, or where no group has a say.
func TestIndexThatTheTokenMayNotWriteTo(t *testing.T) {
	for name, tc := range map[string]struct {
		index, allowed string
		quarantined    int64
		fails          bool
	}{
		"of some groups":     {"{tag:team}", "red", 5, false},
		"of every group":     {"{tag:team}", "green", 0, true},
		"the same for all":   {"blue", "red", 0, true},
		"of a template part": {"{tag:team}{topic}", "red", 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{Shards: 1}, splunk.Options{Tokens: []splunk.Token{{Value: token, Indexes: []string{tc.allowed}}}}, map[string]string{"HEC_INDEX": tc.index})
			tagged := func(team string, logs int) []byte {
				g := &sls.LogGroup{Tags: []sls.KV{{Key: "team", Value: team}}}
				for i := range logs {
					g.Logs = append(g.Logs, sls.Entry{Contents: []sls.KV{{Key: "k", Value: fmt.Sprint(i)}}})
				}
				return g.Append(nil)
			}
			w.Put(0, tagged("red", 20), tagged(`bl"ue / ü`, 5), tagged("red", 20))
			before := w.hec.Stats().Requests
			r, err := w.run(w.function())
			held := w.Quarantined()
			if tc.fails {
				if err == nil || !retry.IsPermanent(err) || !strings.Contains(err.Error(), "HEC_INDEX") || r.Out != 0 || len(held) > 0 {
					t.Errorf("%v, receipt %+v, %d in quarantine", err, r, len(held))
				}
				if n := w.hec.Stats().Requests - before; n > 25 {
					t.Errorf("%d requests", n)
				}
				return
			}
			if err != nil || r.Status != receipt.OK || r.Quarantined != tc.quarantined || r.Out != 40 || int64(len(held)) != tc.quarantined {
				t.Fatalf("%v, receipt %+v, %d in quarantine", err, r, len(held))
			}
			for id, code := range held {
				if code != "hec-7" {
					t.Errorf("%s: %s", id, code)
				}
			}
			w.hec.Set(func(o *splunk.Options) { o.Tokens[0].Indexes = nil })
			if done, err := w.function().Replay(t.Context()); err != nil || done.Accepted != int(tc.quarantined) {
				t.Errorf("replay: %+v %v", done, err)
			}
		})
	}
}
