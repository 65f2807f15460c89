package slshec_test

import (
	"testing"
	"time"

	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
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
