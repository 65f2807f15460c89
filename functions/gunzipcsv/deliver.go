package gunzipcsv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// deliver settles the notices that a trigger brought. Only a 200 says that all
// of them are done with; where the sender wants an answer for each message, the
// receipt bears it.
func (f *Function) deliver(ctx context.Context, r *run, ev trigger.Event) error {
	r.r.Redeliver = true
	units := split(ev)
	results := f.work(ctx, r, units)
	if err := r.keep(); err != nil {
		for i := range results {
			results[i].err = errors.Join(results[i].err, err)
		}
	}

	var failed failures
	remaining := 0
	var oldest time.Time
	answer := trigger.Answer{BatchItemFailures: []trigger.Failure{}}
	for _, res := range results {
		switch {
		case res.err == nil:
			continue
		case res.cut:
			remaining++
		default:
			failed.add(res.err)
		}
		oldest = earliest(oldest, res.sent())
		failure := trigger.Failure{ItemIdentifier: res.id}
		if !strings.HasPrefix(ev.Path, "sqs") { // which takes no delay
			failure.DelaySeconds = int(f.delay(res).Seconds())
		}
		answer.BatchItemFailures = append(answer.BatchItemFailures, failure)
	}
	switch {
	case !oldest.IsZero():
		r.r.Lag("notices", time.Since(oldest))
	case remaining+failed.n == 0:
		r.r.Lag("notices", 0)
	}
	if ev.PerMessage {
		r.r.Answer = &answer
	}
	if remaining > 0 {
		r.r.Remaining = append(r.r.Remaining, fmt.Sprintf("%d of %d messages, because RUN_TIMEOUT (%v) was up", remaining, len(units), f.cfg.RunTimeout))
	}
	return failed.err()
}

// keep makes the run's manifest durable, also when its time is up.
func (r *run) keep() error {
	ctx, cancel := r.LastWords()
	defer cancel()
	return r.list.flush(ctx)
}

// split makes a unit of each message, or of each notice where there are none to
// answer for.
func split(ev trigger.Event) []unit {
	var units []unit
	at := map[string]int{}
	for _, n := range ev.Notices {
		if i, ok := at[n.MessageID]; ok && ev.PerMessage {
			units[i].notices = append(units[i].notices, n)
			continue
		}
		at[n.MessageID] = len(units)
		units = append(units, unit{id: n.MessageID, attempts: n.Attempts, notices: []trigger.Notice{n}})
	}
	return units
}

// work does units, Concurrency at a time, and returns what became of each. What
// there is no time for is cut.
func (f *Function) work(ctx context.Context, r *run, units []unit) []result {
	results := make([]result, len(units))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(f.cfg.Concurrency, len(units)) {
		wg.Go(func() {
			for i := range next {
				if r.late(ctx) {
					results[i] = result{unit: units[i], err: context.DeadlineExceeded, cut: true}
					continue
				}
				results[i] = f.do(ctx, r, units[i])
				if !results[i].cut {
					progress.Add(ctx, int64(len(units[i].notices)))
				}
				if r.list.full() {
					_ = r.keep() // else it waits, and is tried again at the end
				}
			}
		})
	}
	for i := range units {
		next <- i
	}
	close(next)
	wg.Wait()
	return results
}
