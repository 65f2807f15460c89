package gunzipcsv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

const (
	// ahead is how much work is pulled at once. The messages of a run that is
	// killed stay hidden until their visibility timeout, so it is not much.
	ahead = 10 * time.Second
	// settleEvery is how long a finished message waits for company before it is
	// acknowledged.
	settleEvery = 2 * time.Second
	settleBatch = 50
)

// drain pulls the queue until it is empty or the time is up, and settles every
// message it pulled: acknowledged when done for good, else returned.
//
// One goroutine, this one, pulls, hands out and settles. ctx ends with the run.
func (f *Function) drain(ctx context.Context, r *run) error {
	d := &drain{f: f, r: r, results: make(chan result, f.cfg.Concurrency), open: true}
	for {
		if d.open && len(d.pending) == 0 && d.running < f.cfg.Concurrency {
			d.pull(ctx)
		}
		d.start(ctx)
		if d.running == 0 {
			break // start took all that was pending, so that the queue is empty or time is up
		}
		d.wait()
	}
	d.flush()
	d.lag()
	if d.unfinished > 0 {
		r.r.Remaining = append(r.r.Remaining, fmt.Sprintf("%d messages were returned to the queue because RUN_TIMEOUT (%v) was up", d.unfinished, f.cfg.RunTimeout))
	}
	if d.late {
		r.r.Remaining = append(r.r.Remaining, "the queue was not read to its end before RUN_TIMEOUT: the next tick goes on")
	}
	return errors.Join(d.failed.err(), d.err)
}

// drain is the state of one drain.
type drain struct {
	f       *Function
	r       *run
	results chan result
	pending []unit // pulled and not begun
	running int
	open    bool      // there may be more to pull
	pulled  bool      // the queue has answered
	late    bool      // and it was not, for want of time
	newest  time.Time // when the newest message that was pulled was sent
	oldest  time.Time // when the oldest that is not done with was; zero if all are

	acks       []string
	returns    []cfqueue.Return
	unfinished int
	failed     failures
	err        error // of the queue itself
}

// pull leases the next messages.
func (d *drain) pull(ctx context.Context) {
	if d.r.late(ctx) {
		d.open, d.late = false, true
		return
	}
	messages, _, err := d.f.parts.Queue.Pull(ctx, d.batch(ctx), d.f.cfg.CFVisibility)
	if err != nil {
		d.open, d.late = false, outcome.Late(ctx, err)
		d.err = errors.Join(d.err, err)
		return
	}
	d.open, d.pulled = len(messages) > 0, true
	for _, m := range messages {
		u := unit{id: m.LeaseID, attempts: m.Attempts}
		if m.Err != nil {
			u.notices = []trigger.Notice{{MessageID: m.ID, Attempts: m.Attempts, Raw: m.Body, Err: m.Err, Time: m.Time}}
		} else {
			u.notices = trigger.FromMessage(m.ID, m.Attempts, m.Body)
		}
		for i := range u.notices {
			if u.notices[i].Time.IsZero() {
				u.notices[i].Time = m.Time
			}
		}
		d.newest = latest(d.newest, m.Time)
		d.pending = append(d.pending, u)
	}
}

// batch is how many messages to pull: enough for a while, and no more than can
// be finished in time.
func (d *drain) batch(ctx context.Context) int {
	n := d.f.cfg.Concurrency
	if _, mean := d.r.estimate(); mean > 0 {
		span := ahead
		if deadline, ok := ctx.Deadline(); ok {
			span = min(span, time.Until(deadline)/2)
		}
		n = max(n, int(span/mean)*d.f.cfg.Concurrency)
	}
	return min(n, cfqueue.MaxBatch)
}

// start hands out pending units while there is room and time. When time is up,
// the rest goes back.
func (d *drain) start(ctx context.Context) {
	for len(d.pending) > 0 && (d.running < d.f.cfg.Concurrency) {
		u := d.pending[0]
		d.pending = d.pending[1:]
		if d.r.late(ctx) {
			d.open, d.late = false, true
			d.unfinished++
			d.oldest = earliest(d.oldest, u.sent())
			d.returns = append(d.returns, cfqueue.Return{LeaseID: u.id})
			continue
		}
		d.running++
		go func() { d.results <- d.f.do(ctx, d.r, u) }() // wait receives it
	}
}

// wait takes in what has been done, and settles from time to time.
func (d *drain) wait() {
	t := time.NewTimer(settleEvery)
	defer t.Stop()
	select {
	case res := <-d.results:
		d.running--
		d.take(res)
		if len(d.acks)+len(d.returns) < settleBatch {
			return
		}
	case <-t.C:
	}
	d.flush()
}

func (d *drain) take(res result) {
	switch {
	case res.err == nil:
		d.acks = append(d.acks, res.id)
		return
	case res.cut:
		d.unfinished++
	default:
		d.failed.add(res.err)
	}
	d.oldest = earliest(d.oldest, res.sent())
	d.returns = append(d.returns, cfqueue.Return{LeaseID: res.id, Delay: d.f.delay(res)})
}

// flush settles what is finished, also when the run's time is up.
func (d *drain) flush() {
	if len(d.acks)+len(d.returns) == 0 {
		return
	}
	ctx, cancel := d.r.LastWords()
	defer cancel()
	if err := d.r.list.flush(ctx); err != nil {
		// Delivered again they change nothing, and are entered then.
		for _, id := range d.acks {
			d.returns = append(d.returns, cfqueue.Return{LeaseID: id, Delay: d.f.cfg.CFRetryDelay})
		}
		d.acks, d.open = nil, false
		d.err = errors.Join(d.err, err)
	}
	if _, _, err := d.f.parts.Queue.Settle(ctx, d.acks, d.returns); err != nil {
		// They come back after the visibility timeout, and change nothing then.
		d.err = errors.Join(d.err, fmt.Errorf("%d messages are done and not acknowledged: %w", len(d.acks), err))
	}
	d.acks, d.returns = nil, nil
}

// lag notes how long ago the oldest message was sent that is not done with, as
// far as that is known: of a queue that was not read to its end, whatever is
// left is hardly older than the newest that was pulled.
func (d *drain) lag() {
	oldest := d.oldest
	if d.late {
		oldest = earliest(oldest, d.newest)
	}
	switch {
	case !oldest.IsZero():
		d.r.r.Lag("queue", time.Since(oldest))
	case d.pulled && !d.late:
		d.r.r.Lag("queue", 0)
	}
}
