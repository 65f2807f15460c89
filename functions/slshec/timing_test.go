package slshec_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Where the collector takes almost as long as a run, runs one after the other
// each get further, and no event arrives twice: in one process, which learns how
// long sends take, and in one process for each run.
func TestTheEndOfARunRepeatsNothing(t *testing.T) {
	for name, fresh := range map[string]bool{"one process": false, "a process for each run": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, emulator.Options{Shards: 2}, splunk.Options{Latency: 3 * time.Second}, map[string]string{"RUN_TIMEOUT": "4s"})
			w.Fill(emulator.NewGenerator(1), 60, 20)
			total := len(w.Logs())
			f := w.function()
			for run, before := 0, 0; len(w.hec.Counts()) < total; run++ {
				if fresh {
					f = w.function()
				}
				r, err := w.run(f)
				now := len(w.hec.Counts())
				if err != nil || now == before || r.Again > 0 || run > 20 {
					t.Fatalf("run %d: %v, %d of %d events after it, %d before: %+v", run, err, now, total, before, r)
				}
				before = now
			}
			w.wantAll(false)
			w.wantProof()
		})
	}
}

// Runs one after the other against an API that saves no checkpoint deliver
// again what may be unsaved, and not the backlog; mended, all is there.
func TestSickCheckpointsDoNotRepeatTheBacklog(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, splunk.Options{Latency: 300 * time.Millisecond}, map[string]string{
		"RUN_TIMEOUT": "12s", "HEC_CONCURRENCY": "1", "HEC_BATCH_BYTES": "20000", "LEASE_TTL": "1s",
	})
	w.mustRun(w.function()) // has begun
	w.Fill(emulator.NewGenerator(1), 100, 40)
	w.SLS.Faults.Match = func(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "type=checkpoint") }
	w.SLS.Faults.Random(1, map[fault.Kind]float64{fault.Error500: 1})
	f := w.slow()
	for range 2 {
		r, err := w.run(f)
		if err == nil || r.Status != receipt.Failed || !strings.Contains(r.Error, "checkpoint") {
			t.Errorf("%v, %+v", err, r)
		}
	}
	if got, all := len(w.hec.Counts()), len(w.Logs()); got == 0 || got > all*3/4 {
		t.Errorf("%d of %d events were delivered and not saved", got, all)
	}
	w.SLS.Faults.Random(1, nil)
	w.hec.Set(func(o *splunk.Options) { o.Latency = 0 })
	w.mustRun(w.function())
	w.wantAll(true)
	w.wantProof()
}
