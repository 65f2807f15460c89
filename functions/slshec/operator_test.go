package slshec_test

import (
	"strings"
	"testing"

	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

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
	if done, err := f.Replay(t.Context()); err != nil || done.Objects != 0 || len(done.Kept) != len(r.Objects) {
		t.Errorf("%+v %v", done, err)
	}
	w.refuse = nil
	// What somebody else put there stays, and holds up no other.
	const foreign = "slshec/2020/01/01/foreign.ndjson.gz" // which comes first
	q := w.Open(w.QuarantineURL())
	if err := q.WriteAll(t.Context(), foreign, []byte("no gzip"), nil); err != nil {
		t.Fatal(err)
	}
	done, err := f.Replay(t.Context())
	if err != nil || int64(done.Accepted) != r.Quarantined || done.Objects != len(r.Objects) || len(done.Kept) != 1 || !strings.HasPrefix(done.Kept[0], foreign) {
		t.Errorf("%+v %v", done, err)
	}
	if err := q.Delete(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	for id := range inside {
		if w.hec.Accepted(id) != 1 {
			t.Errorf("%s: %d times", id, w.hec.Accepted(id))
		}
	}
	if done, err := f.Replay(t.Context()); err != nil || done.Accepted != 0 {
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
