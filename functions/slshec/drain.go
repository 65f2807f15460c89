package slshec

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/lease"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// drain reads every shard up to where it ends now, or until time is up:
// lease → worker → pages → events → HEC → checkpoints → receipt.
func (f *Function) drain(ctx context.Context) (receipt.Receipt, error) {
	return f.exclusive(ctx, f.begin(drain), f.workerOptions())
}

// leaseOf is where the lease of a consumer group lies in STATE_URL.
func (f *Function) leaseOf(group string) string {
	return "slshec/lease/" + f.cfg.Project + "/" + f.cfg.Logstore + "/" + group + "/"
}

// exclusive drains r.Group while no other run does.
func (f *Function) exclusive(ctx context.Context, r *Receipt, o sls.WorkerOptions) (*Receipt, error) {
	run := outcome.Begin(ctx, f.cfg.RunTimeout, o.Grace)
	defer run.Cancel()
	r.Consumer = f.cfg.drainConsumer()
	held, err := lease.Acquire(run.Context(), f.state, f.leaseOf(r.Group), r.Run, f.cfg.LeaseTTL)
	var other *lease.Held
	if errors.As(err, &other) {
		r.Status, r.HeldBy = receipt.Busy, other.By
		r.Remaining = []string{other.Error()}
		return r, run.Decide(r, false, nil) // not worth keeping: it did nothing
	}
	if err != nil {
		return f.finish(run, r, fmt.Errorf("STATE_URL: take the lease: %w", err))
	}
	own, cancel := run.Bound(held.Context())
	defer cancel()
	err = f.work(run.Context(), own, r, o)
	// Given back before anyone hears that the run is over.
	free, cancel := run.LastWords()
	defer cancel()
	return f.finish(run, r, errors.Join(err, held.Release(free)))
}

// work runs a worker of r.Group as long as own lives. It stops in good order
// when ctx ends.
func (f *Function) work(ctx, own context.Context, r *Receipt, o sls.WorkerOptions) error {
	run, cancel := context.WithCancelCause(own)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })()

	since := f.meter()
	s := newSink(own, ctx, f)
	l := newLedger(f, r)
	l.options(&o)
	o.OnEvent = f.event
	w, err := sls.NewWorker(f.sls, r.Group, r.Consumer, s, o)
	if err != nil {
		s.close()
		return err
	}
	res, err := w.Run(run)
	s.close()
	l.turn(func(*Receipt) *Receipt { return nil })
	for _, st := range res.Shards {
		l.status(st)
		r.remains(st)
	}
	for _, id := range res.Unassigned {
		r.Remaining = append(r.Remaining, fmt.Sprintf("shard %d: not assigned to this consumer", id))
	}
	f.settle(own, r, l, s, since)
	return err
}

// settle puts what the ledger has into the receipt.
func (f *Function) settle(ctx context.Context, r *Receipt, l *ledger, s *sink, since meter) {
	sheet, announced := l.take()
	r.add(sheet, announced)
	f.lag(ctx, r, sheet.rows)
	r.Objects = append(r.Objects, s.kept()...)
	r.Unpacked = s.session.Unpacked()
	f.measured(r, since)
}

// A page is handed to the sink in pieces of which about perBatch fill a request,
// so that what one run leaves is small; maxPending of a shard may be under way.
const (
	perBatch   = 8
	maxPending = 8 * perBatch
)

// workerOptions are those of the configuration.
func (f *Function) workerOptions() sls.WorkerOptions {
	return sls.WorkerOptions{
		Start: f.cfg.Start, Drain: true, OldestOnExpired: f.cfg.OnInvalidCursor == oldest,
		Heartbeat: f.cfg.Heartbeat, Timeout: f.cfg.GroupTimeout, Query: f.cfg.Query, ConsumeProcessor: f.cfg.Processor, Grace: f.grace(),
		MaxBatch: f.cfg.BatchBytes / perBatch, MaxPending: maxPending,
	}
}

// grace is how long a stop waits for what is under way: within the time that
// follows SIGTERM, or with acknowledgements long enough for them to come.
func (f *Function) grace() time.Duration {
	g := 6 * time.Second
	if f.cfg.Ack {
		g = max(g, 3*f.cfg.AckPoll)
	}
	return min(g, f.cfg.RunTimeout/4)
}

// event hears of shards that come and go.
func (f *Function) event(e sls.Event) {
	if e.Kind == sls.HeartbeatFailed {
		f.following.beatFailed()
	}
	if e.Err != nil {
		f.rt.Log.Warn("consumer group", "event", string(e.Kind), "shard", e.Shard, "error", e.Err.Error())
		return
	}
	f.rt.Log.Info("consumer group", "event", string(e.Kind), "shard", e.Shard)
}
