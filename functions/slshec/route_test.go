package slshec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/doctor"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
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
