package consumetest

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/gogo/protobuf/proto"
	"github.com/klauspost/compress/gzip"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/releasetest"
)

const source = "source.json.gz"

// Record keeps STATE_URL and the logstore.
func (w *World) Record(r *releasetest.Recording) {
	w.T.Helper()
	r.Keep("state", w.Env["STATE_URL"])
	w.RecordStore(r, source, w.Store)
}

// RecordStore keeps another logstore.
func (w *World) RecordStore(r *releasetest.Recording, name string, l *emulator.Logstore) {
	w.T.Helper()
	var packed bytes.Buffer
	gz := gzip.NewWriter(&packed)
	if err := json.NewEncoder(gz).Encode(l.Snapshot()); err != nil {
		w.T.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		w.T.Fatal(err)
	}
	r.Write(name, packed.Bytes())
}

// Restore makes an empty world the one that was recorded. What its checkpoints
// had passed was durable then.
func (w *World) Restore(r *releasetest.Release) {
	w.T.Helper()
	if time.Now().Before(r.Recorded.Add(3 * time.Second)) {
		w.T.Skipf("this machine's clock is before %v, when the state was recorded", r.Recorded)
	}
	r.Copy(w.T, "state", w.Env["STATE_URL"])
	s := w.RestoreStore(r, source, w.Store)
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, shard := range s.Shards {
		w.First[id] = shard.First
		for _, g := range shard.Groups {
			var lg sdk.LogGroup
			if err := proto.Unmarshal(g.Raw, &lg); err != nil {
				w.T.Fatal(err)
			}
			w.groups[id] = append(w.groups[id], &lg)
		}
	}
	for _, g := range s.Groups {
		w.passed[g.Name] = map[int]int64{}
		for id, cursor := range g.Checkpoints {
			w.passed[g.Name][id] = CursorNumber(w.T, cursor)
		}
	}
}

// RestoreStore makes an empty logstore one that was recorded.
func (w *World) RestoreStore(r *releasetest.Release, name string, l *emulator.Logstore) (s emulator.Snapshot) {
	w.T.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(r.File(w.T, name)))
	if err != nil {
		w.T.Fatal(err)
	}
	text, err := io.ReadAll(gz)
	if err != nil {
		w.T.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		w.T.Fatal(err)
	}
	l.Restore(s)
	return s
}
