package muleaudit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/outcome"
)

// work does the looks of all jobs, Concurrency at a time, taking turns between
// the organisations: the next look goes to the one with the fewest under way.
// An organisation that fails takes no further turn and holds up no other.
func (f *Function) work(ctx context.Context, run string, jobs []*job) {
	q := &queue{jobs: jobs}
	for _, j := range jobs {
		q.total += len(j.looks)
	}
	var wg sync.WaitGroup
	for range f.cfg.Concurrency {
		wg.Go(func() {
			for {
				j, i := q.take(ctx)
				if j == nil {
					return
				}
				began := time.Now()
				res, err := f.look(ctx, run, j.looks[i], j)
				done := q.put(ctx, j, i, res, err, time.Since(began))
				if err == nil && f.OnSlice != nil {
					f.OnSlice(Progress{j.org, j.looks[i].start, res.events, done, q.total})
				}
			}
		})
	}
	wg.Wait()
}

// queue hands out looks and takes in what they brought.
type queue struct {
	mu      sync.Mutex
	jobs    []*job
	turn    int           // where the last round ended
	longest time.Duration // the longest look so far
	done    int
	total   int
}

// take returns the next look to do, or nil when there is none or no time for
// it: a look that would be cut off is not begun.
func (q *queue) take(ctx context.Context) (*job, int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if deadline, ok := ctx.Deadline(); ctx.Err() != nil || ok && time.Until(deadline) < min(q.longest, time.Minute) {
		return nil, 0
	}
	best := -1
	for n := range q.jobs {
		k := (q.turn + 1 + n) % len(q.jobs)
		j := q.jobs[k]
		if j.err != nil || j.late != nil || j.next == len(j.looks) {
			continue
		}
		if best < 0 || j.flying < q.jobs[best].flying {
			best = k
		}
	}
	if best < 0 {
		return nil, 0
	}
	q.turn = best
	j := q.jobs[best]
	j.flying++
	j.next++
	return j, j.next - 1
}

func (q *queue) put(ctx context.Context, j *job, i int, res found, err error, took time.Duration) (done int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.flying--
	j.bytesIn += res.bytesIn
	j.retries += res.retries
	switch {
	case err == nil:
		j.done[i] = true
		j.receipt.add(res)
		q.longest = max(q.longest, took)
		q.done++
	default:
		j.fail(ctx, fmt.Errorf("%s: %w", j.looks[i], err))
	}
	return q.done
}

// settle closes an organisation's part of the run: how far it is complete from
// the window's start on, the watermark up to there, and what remains.
func (f *Function) settle(ctx context.Context, run string, j *job) OrgReceipt {
	// Never before the last watermark: what lies there was complete already.
	done, remaining := latest(j.from, j.watermark), 0
	reached := j.watermark
	for i, l := range j.looks {
		if !j.done[i] {
			remaining++
		} else if remaining == 0 {
			done, reached = latest(done, l.to), latest(reached, l.to)
		}
	}
	if err := f.conclude(ctx, run, j, reached); err != nil {
		j.fail(ctx, err)
	}
	r := j.receipt
	r.Done = done
	if remaining > 0 {
		r.Remaining = fmt.Sprintf("%d of %d slices from %s to %s", remaining, len(j.looks), done.Format(time.RFC3339), j.to.Format(time.RFC3339))
	}
	if j.err != nil {
		r.Error = j.err.Error()
	}
	return r
}

// conclude makes durable what a job has reached.
func (f *Function) conclude(ctx context.Context, run string, j *job, reached time.Time) error {
	// This is worth a moment beyond the run's own time.
	ctx, cancel := outcome.LastWords(ctx)
	defer cancel()
	st := orgState{f.state, j.org}
	// A look takes for exported what another run has decided on, so that has to be
	// out as well before this run may call anything complete.
	recovered, err := f.publishPending(ctx, st)
	j.receipt.Recovered = append(j.receipt.Recovered, objects(recovered)...)
	if err != nil || !j.scheduled || !reached.After(j.watermark) {
		return err
	}
	if err := st.advance(ctx, reached, run); err != nil {
		return err
	}
	j.reached = reached
	return nil
}
