package slshec_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/slshec"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// post hands p an event and returns its answer's status and receipt.
func post(t *testing.T, p *proctest.Process, event string) (int, slshec.Receipt) {
	t.Helper()
	status, answer, err := p.Post(t.Context(), event, nil)
	var r slshec.Receipt
	if err == nil {
		err = json.Unmarshal(answer, &r)
	}
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, answer, p.Output())
	}
	return status, r
}

// Where the collector takes almost as long as a run, runs one after the other
// each get further, and no event arrives twice: in one process, which learns how
// long sends take, and in one process for each run.
func slowCollector(t *testing.T, bin string) {
	again := func(fresh bool) func(t *testing.T) {
		return func(t *testing.T) {
			w := newWorld(t, emulator.Options{Shards: 2}, splunk.Options{Latency: 5 * time.Second}, map[string]string{"RUN_TIMEOUT": "8s"})
			w.Fill(emulator.NewGenerator(1), 60, 20)
			total := len(w.Logs())
			p := proctest.Start(t, bin, w.Env)
			for run, before := 0, 0; len(w.hec.Counts()) < total; run++ {
				if fresh && run > 0 {
					p.Kill()
					p = proctest.Start(t, bin, w.Env)
				}
				status, r := post(t, p, "{}")
				now := len(w.hec.Counts())
				if status != http.StatusOK || now == before || r.Again > 0 || run > 20 {
					t.Fatalf("run %d: %d, %d of %d events after it, %d before: %+v", run, status, now, total, before, r)
				}
				before = now
			}
			w.wantAll(false)
			w.wantProof()
		}
	}
	consumetest.AtOnce(t, map[string]func(*testing.T){"one process": again(false), "a process for each run": again(true)})
}

// Four ticks one after the other, against an API that saves no checkpoint, each
// say so, and each deliver no more than may be unsaved (see
// [sls.WorkerOptions.MaxUnsavedFor]), of the same logs, whatever the backlog and
// however long they run; mended, all is there.
func failingCheckpoints(t *testing.T, bin string) {
	const (
		latency = 100 * time.Millisecond
		// Until a checkpoint is due, since when it is, and the pages under way then.
		most = int64((time.Second+5*time.Second)/latency) + 8
	)
	w := newWorld(t, emulator.Options{Shards: 1}, splunk.Options{Latency: latency}, map[string]string{
		"RUN_TIMEOUT": "12s", "HEC_CONCURRENCY": "1", "HEC_BATCH_BYTES": "20000",
	})
	p := proctest.Start(t, bin, w.Env)
	if status, r := post(t, p, "{}"); status != http.StatusOK { // the group has begun
		t.Fatalf("%d %+v", status, r)
	}
	w.Fill(emulator.NewGenerator(1), 400, 40)
	w.SLS.Faults.Match = of("checkpoint")
	w.SLS.Faults.Random(1, map[fault.Kind]float64{fault.Error500: 1})
	for n := range 4 {
		if n == 1 { // the first ran for long enough to be stopped by what was unsaved
			p.Kill()
			w.Env["RUN_TIMEOUT"] = "6s"
			p = proctest.Start(t, bin, w.Env)
		}
		before := w.hec.Stats()
		status, r := post(t, p, "{}")
		if status != http.StatusInternalServerError || r.Status != receipt.Failed || !strings.Contains(r.Error, "checkpoint") {
			t.Errorf("tick %d: %d, %+v", n, status, r)
		}
		after := w.hec.Stats()
		if sent := after.Requests - before.Requests; sent == 0 || sent > most {
			t.Errorf("tick %d sent %d batches", n, sent)
		}
		if delivered := after.Events - before.Events; r.Again != delivered {
			t.Errorf("tick %d delivered %d events of which no checkpoint tells, its receipt says %d", n, delivered, r.Again)
		}
	}
	if got, all := len(w.hec.Counts()), len(w.Logs()); got > all/3 {
		t.Errorf("%d of %d events were delivered and not saved", got, all)
	}
	w.SLS.Faults.Random(1, nil)
	w.hec.Set(func(o *splunk.Options) { o.Latency = 0 })
	p.Kill()
	w.Env["RUN_TIMEOUT"] = "1m"
	p = proctest.Start(t, bin, w.Env)
	if status, r := post(t, p, "{}"); status != http.StatusOK || r.Status != receipt.OK {
		t.Fatalf("%d %+v", status, r)
	}
	w.wantAll(true)
	w.wantProof()
}

// An invocation of Function Compute whose collector is down, in whatever way, is
// answered 500 within RUN_TIMEOUT, so that the service hands its range over
// again; then it is delivered.
func collectorDown(t *testing.T, bin string) {
	down := map[string]func(*testing.T){}
	for _, kind := range []outagetest.Kind{outagetest.Refused, outagetest.Silent, outagetest.Error, outagetest.Busy} {
		down[string(kind)] = func(t *testing.T) {
			w := newWorld(t, emulator.Options{Shards: 1}, splunk.Options{}, map[string]string{"RUN_TIMEOUT": outagetest.RunTimeout.String()})
			w.Fill(emulator.NewGenerator(1), 20, 20)
			front := outagetest.NewFront(t, w.hec.URL())
			w.Env["HEC_URL"] = front.URL()
			first, end := w.Store.Range(0)
			event := fmt.Sprintf(`{"source":{"projectName":"project","logstoreName":"logstore","shardId":0,"beginCursor":%q,"endCursor":%q},"jobName":"j","taskId":"t","cursorTime":1}`,
				sls.FormatCursor(first), sls.FormatCursor(end))
			p := proctest.StartOn(t, bin, "FC_CUSTOM_LISTEN_PORT", w.Env)
			front.Break(t, kind, nil)
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), outagetest.RunTimeout+time.Minute)
				status, answer, err := p.Post(ctx, event, nil)
				cancel()
				var r slshec.Receipt
				if err == nil {
					err = json.Unmarshal(answer, &r)
				}
				if err != nil || status != http.StatusInternalServerError || r.Status != receipt.Failed || !strings.Contains(r.Error, "HEC_URL") {
					t.Fatalf("%d %s %v", status, answer, err)
				}
				if took := r.FinishedAt.Sub(r.StartedAt); took > outagetest.RunTimeout+30*time.Second { // see outagetest.Run
					t.Errorf("it took %v", took)
				}
			}
			front.Heal(t)
			if status, r := post(t, p, event); status != http.StatusOK || r.Out != 400 {
				t.Errorf("%d %+v", status, r)
			}
			w.wantAll(false)
		}
	}
	consumetest.AtOnce(t, down)
}
