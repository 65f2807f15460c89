package consume

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// interval is how often a function that follows finishes a receipt, followCommit
// how often it saves checkpoints and keeps the receipt for them: each time costs
// a write to STATE_URL, day and night.
const (
	interval     = 5 * time.Minute
	followCommit = 5 * time.Second
)

// lastWords is how long what is under way may take when following ends.
const lastWords = 10 * time.Second

// following is what a function that follows tells of itself.
type following struct {
	mu       sync.Mutex
	worker   *sls.Worker
	problem  error     // why it is not ready, nil if it is
	failedAt time.Time // of the last heartbeat that failed
}

var errStarting = errors.New("not started yet")

func (s *following) set(w *sls.Worker, problem error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.worker, s.problem = w, problem
}

func (s *following) beatFailed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failedAt = time.Now()
}

// Ready implements [serve.Readier]: a function that follows is ready while it
// is a member of its group.
func (c *Consumer) Ready() error {
	if c.cfg.Mode != follow {
		return nil
	}
	s := &c.following
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.problem != nil:
		return s.problem
	case s.worker == nil:
		return errStarting
	case time.Since(s.failedAt) < c.cfg.Heartbeat/2:
		return errors.New("heartbeats to the consumer group fail: see the log")
	}
	return nil
}

// Status returns how far each shard is that is held, while following.
func (c *Consumer) Status() []sls.ShardStatus {
	c.following.mu.Lock()
	w := c.following.worker
	c.following.mu.Unlock()
	if w == nil {
		return nil
	}
	return w.Status()
}

// Background implements [serve.Background]: with MODE=follow it forwards
// until ctx ends. A failure that may pass is waited out; one that needs a
// person ends it.
func (c *Consumer) Background(ctx context.Context) error {
	if c.cfg.Mode != follow {
		<-ctx.Done()
		return nil
	}
	return c.Follow(ctx, nil)
}

// Follow forwards until ctx ends, and then sees through what is under way.
// note, if set, is called with each receipt. After it broke off it waits for a
// heartbeat at most, so that what was down is used again soon after it is back.
func (c *Consumer) Follow(ctx context.Context, note func(receipt.Receipt)) error {
	if note == nil {
		note = func(receipt.Receipt) {}
	}
	for pause := time.Second; ; pause = min(2*pause, max(time.Second, c.cfg.Heartbeat)) {
		began := time.Now()
		err := c.followOnce(ctx, note)
		c.following.set(nil, err)
		if ctx.Err() != nil || err != nil && retry.IsPermanent(err) {
			return err
		}
		if time.Since(began) > 10*time.Minute {
			pause = time.Second
		}
		c.rt.Log.Error("following broke off", "again_in", pause.String(), "error", fmt.Sprint(err))
		if retry.Sleep(ctx, pause) != nil {
			return nil //nolint:nilerr // it was about to be tried again, and nothing is under way
		}
	}
}

func (c *Consumer) followOnce(ctx context.Context, note func(receipt.Receipt)) error {
	run := outcome.Begin(ctx, 0, lastWords)
	defer run.Cancel()
	defer c.tellTrouble(run)()
	ctx = run.Context()
	r := c.begin(follow)
	r.Consumer = c.follower
	// Before it reports ready: whether the project can be reached at all. If not
	// there is nothing to keep.
	if _, err := c.sls.Shards(ctx); err != nil {
		return run.Decide(c.full(*r, nil), false, err)
	}
	l := newLedger(c, r)
	o := c.workerOptions()
	o.Drain, o.Commit, o.OnEvent = false, followCommit, c.event
	l.options(&o)
	w, err := sls.NewWorker(c.sls, r.Group, r.Consumer, l, o)
	if err != nil {
		return retry.Permanent(err)
	}
	l.open(context.WithoutCancel(ctx), ctx)
	c.following.set(w, nil)

	intervals := &intervals{c: c, run: run, l: l, note: note}
	stop := make(chan struct{})
	var keeper sync.WaitGroup
	keeper.Go(func() { intervals.keep(ctx, w, stop) })
	res, err := w.Run(ctx)
	close(stop)
	keeper.Wait()
	l.shut()
	for _, st := range res.Shards {
		l.status(st)
	}
	return intervals.end(ctx, err)
}

// intervals finish a receipt each.
type intervals struct {
	c    *Consumer
	run  *outcome.Run
	l    *ledger
	note func(receipt.Receipt)
}

func (i *intervals) keep(ctx context.Context, w *sls.Worker, stop <-chan struct{}) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-stop:
			return
		}
		for _, st := range w.Status() {
			i.l.status(st)
		}
		if err := i.next(ctx); err != nil {
			i.c.rt.Log.Error("receipt not kept", "error", err.Error())
		}
	}
}

// next finishes the receipt of an interval, which failed if something it needs was
// failing at its end, and begins that of the next. One that cannot be kept takes in the next interval as well, so that what it accounts for
// is not lost.
func (i *intervals) next(ctx context.Context) (err error) {
	i.l.replace(func(r *Receipt) *Receipt {
		i.l.fill(ctx, r)
		full := i.c.full(*r, i.l.sink)
		problem := full.Balance()
		if failing := i.run.Failing(i.c.cfg.Heartbeat); len(failing) > 0 {
			problem = errors.Join(problem, errors.New(failing[0].String())) // Decide adds the others
		}
		_ = i.run.Decide(full, r.In > 0, problem) // it says so
		if err = i.l.keep(ctx, full); err != nil {
			return r
		}
		i.tell(ctx, full)
		i.l.since = i.c.stats()
		next := i.c.begin(follow)
		next.Consumer = r.Consumer
		return next
	})
	return err
}

// end finishes the last receipt; err is why following ended.
func (i *intervals) end(ctx context.Context, err error) error {
	last, cancel := i.run.LastWords()
	defer cancel()
	i.l.replace(func(r *Receipt) *Receipt {
		i.l.fill(last, r)
		var full receipt.Receipt
		full, err = i.c.finish(i.run, r, i.l.sink, err)
		i.tell(ctx, full)
		return nil
	})
	return err
}

func (i *intervals) tell(ctx context.Context, r receipt.Receipt) {
	serve.Report(ctx, i.c.rt, "interval finished", r)
	i.note(r)
}

// already answers a tick that comes while the function follows.
func (c *Consumer) already() receipt.Receipt {
	r := c.begin(follow)
	r.Remaining = []string{"nothing to trigger: MODE=follow forwards all the time"}
	full := c.full(*r, nil)
	full.Base().Finish(receipt.Outcome{Status: receipt.Busy})
	return full
}

var (
	_ serve.Readier    = (*Consumer)(nil)
	_ serve.Background = (*Consumer)(nil)
)
