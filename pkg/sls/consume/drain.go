package consume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/lease"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// drain reads every shard up to where it ends now, or until time is up:
// lease → worker → pages → sink → receipt → checkpoints.
func (c *Consumer) drain(ctx context.Context) (receipt.Receipt, error) {
	return c.exclusive(ctx, c.begin(drain), c.workerOptions())
}

// leaseOf is where the lease of a consumer group lies in STATE_URL.
func (c *Consumer) leaseOf(group string) string {
	return c.fn.Name + "/lease/" + c.cfg.Project + "/" + c.cfg.Logstore + "/" + group + "/"
}

// beginnings remember where a consumer group began, in STATE_URL.
func (c *Consumer) beginnings(group string) bucket.Series {
	return c.state.Series(c.fn.Name+"/beginning/"+c.cfg.Project+"/"+c.cfg.Logstore+"/"+group+"/", bucket.Digits(20))
}

// exclusive drains r.Group while no other run does.
func (c *Consumer) exclusive(ctx context.Context, r *Receipt, o sls.WorkerOptions) (receipt.Receipt, error) {
	run := outcome.Begin(ctx, c.cfg.RunTimeout, o.Grace)
	defer run.Cancel()
	r.Consumer = c.cfg.drainConsumer(c.fn.Name)
	held, err := lease.Acquire(run.Context(), c.state, c.leaseOf(r.Group), r.Run, c.cfg.LeaseTTL)
	var other *lease.Held
	if errors.As(err, &other) {
		r.Status, r.HeldBy = receipt.Busy, other.By
		r.Remaining = []string{other.Error()}
		full := c.full(*r, nil)
		return full, run.Decide(full, false, nil) // not worth keeping: it did nothing
	}
	if err != nil {
		return c.finish(run, r, nil, fmt.Errorf("STATE_URL: take the lease: %w", err))
	}
	own, cancel := run.Bound(held.Context())
	defer cancel()
	sink, err := c.work(run.Context(), own, r, o)
	// Given back before anyone hears that the run is over.
	free, cancel := run.LastWords()
	defer cancel()
	return c.finish(run, r, sink, errors.Join(err, held.Release(free)))
}

// work runs a worker of r.Group as long as own lives. It stops in good order
// when ctx ends. It returns the sink that it closed.
func (c *Consumer) work(ctx, own context.Context, r *Receipt, o sls.WorkerOptions) (Sink, error) {
	run, cancel := context.WithCancelCause(own)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })()

	l := newLedger(c, r)
	l.options(&o)
	o.OnEvent = c.event
	w, err := sls.NewWorker(c.sls, r.Group, r.Consumer, l, o)
	if err != nil {
		return nil, err
	}
	l.open(own, ctx)
	res, err := w.Run(run)
	l.shut()
	l.replace(func(*Receipt) *Receipt { return nil })
	for _, st := range res.Shards {
		l.status(st)
		r.remains(st)
	}
	for _, id := range res.Unassigned {
		r.Remaining = append(r.Remaining, fmt.Sprintf("shard %d: not assigned to this consumer", id))
	}
	l.fill(own, r)
	return l.sink, err
}

// workerOptions are those of the configuration.
func (c *Consumer) workerOptions() sls.WorkerOptions {
	return sls.WorkerOptions{
		Start: c.cfg.Start, Beginnings: c.beginnings(c.cfg.Group), Drain: true, OldestOnExpired: c.cfg.OnInvalidCursor == oldest,
		Heartbeat: c.cfg.Heartbeat, Timeout: c.cfg.GroupTimeout, Query: c.cfg.Query, ConsumeProcessor: c.cfg.Processor, Grace: c.grace(),
		MaxPage: c.fn.MaxPage, MaxPending: c.fn.MaxPending,
	}
}

// grace is how long a stop waits for what is under way: within the time that
// follows SIGTERM, or longer where the function asks for it.
func (c *Consumer) grace() time.Duration {
	return min(max(6*time.Second, c.fn.Grace), c.cfg.RunTimeout/4)
}

// event hears of shards that come and go.
func (c *Consumer) event(e sls.Event) {
	if e.Kind == sls.HeartbeatFailed {
		c.following.beatFailed()
	}
	if e.Err != nil {
		c.rt.Log.Warn("consumer group", "event", string(e.Kind), "shard", e.Shard, "error", e.Err.Error())
		return
	}
	c.rt.Log.Info("consumer group", "event", string(e.Kind), "shard", e.Shard)
}
