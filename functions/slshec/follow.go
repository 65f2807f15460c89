package slshec

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
func (f *Function) Ready() error {
	if f.cfg.Mode != follow {
		return nil
	}
	s := &f.following
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.problem != nil:
		return s.problem
	case s.worker == nil:
		return errStarting
	case time.Since(s.failedAt) < f.cfg.Heartbeat/2:
		return errors.New("heartbeats to the consumer group fail: see the log")
	}
	return nil
}

// Status returns how far each shard is that is held, while following.
func (f *Function) Status() []sls.ShardStatus {
	f.following.mu.Lock()
	w := f.following.worker
	f.following.mu.Unlock()
	if w == nil {
		return nil
	}
	return w.Status()
}

// Background implements [serve.Background]: with MODE=follow it forwards
// until ctx ends. A failure that may pass is waited out; one that needs a
// person ends it.
func (f *Function) Background(ctx context.Context) error {
	if f.cfg.Mode != follow {
		<-ctx.Done()
		return nil
	}
	return f.Follow(ctx, nil)
}

// Follow forwards until ctx ends, and then sees through what is under way.
// note, if set, is called with each receipt.
func (f *Function) Follow(ctx context.Context, note func(*Receipt)) error {
	if note == nil {
		note = func(*Receipt) {}
	}
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		began := time.Now()
		err := f.followOnce(ctx, note)
		f.following.set(nil, err)
		if ctx.Err() != nil || err != nil && retry.IsPermanent(err) {
			return err
		}
		if time.Since(began) > 10*time.Minute {
			pause = time.Second
		}
		f.rt.Log.Error("following broke off", "again_in", pause.String(), "error", fmt.Sprint(err))
		if retry.Sleep(ctx, pause) != nil {
			return nil //nolint:nilerr // it was about to be tried again, and nothing is under way
		}
	}
}

func (f *Function) followOnce(ctx context.Context, note func(*Receipt)) error {
	// Before it reports ready: whether the project can be reached at all.
	if _, err := f.sls.Shards(ctx); err != nil {
		return err
	}
	run := outcome.Begin(ctx, 0, saveTime)
	defer run.Cancel()
	ctx = run.Context()
	r := f.begin(follow)
	r.Consumer = f.follower
	s := newSink(context.WithoutCancel(ctx), ctx, f)
	l := newLedger(f, r)
	o := f.workerOptions()
	o.Drain, o.Commit, o.OnEvent = false, followCommit, f.event
	l.options(&o)
	w, err := sls.NewWorker(f.sls, r.Group, r.Consumer, s, o)
	if err != nil {
		s.close()
		return retry.Permanent(err)
	}
	f.following.set(w, nil)

	books := &books{f: f, run: run, s: s, l: l, since: f.meter(), note: note}
	stop := make(chan struct{})
	var keeper sync.WaitGroup
	keeper.Go(func() { books.keep(ctx, w, stop) })
	res, err := w.Run(ctx)
	close(stop)
	keeper.Wait()
	s.close()
	for _, st := range res.Shards {
		l.status(st)
	}
	return books.end(ctx, err)
}

// books finishes a receipt for each stretch of following.
type books struct {
	f     *Function
	run   *outcome.Run
	s     *sink
	l     *ledger
	since meter
	note  func(*Receipt)
}

func (b *books) keep(ctx context.Context, w *sls.Worker, stop <-chan struct{}) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-stop:
			return
		}
		for _, st := range w.Status() {
			b.l.status(st)
		}
		if err := b.turn(ctx); err != nil {
			b.f.rt.Log.Error("receipt not kept", "error", err.Error())
		}
	}
}

// turn finishes the receipt of a stretch and begins the next. One that cannot be
// kept takes in the next stretch as well, so that what it accounts for is not
// lost.
func (b *books) turn(ctx context.Context) (err error) {
	b.l.turn(func(r *Receipt) *Receipt {
		b.f.settle(ctx, r, b.l, b.s, b.since)
		open := *r
		if r, err = b.f.finish(b.run, r, nil); err != nil {
			return &open
		}
		b.tell(ctx, r)
		b.since = b.f.meter()
		next := b.f.begin(follow)
		next.Consumer = r.Consumer
		return next
	})
	return err
}

// end finishes the last receipt; err is why following ended.
func (b *books) end(ctx context.Context, err error) error {
	b.l.turn(func(r *Receipt) *Receipt {
		b.f.settle(ctx, r, b.l, b.s, b.since)
		r, err = b.f.finish(b.run, r, err)
		b.tell(ctx, r)
		return nil
	})
	return err
}

func (b *books) tell(ctx context.Context, r *Receipt) {
	serve.Report(ctx, b.f.rt, "stretch finished", r)
	b.note(r)
}

// already answers a tick that comes while the function follows.
func (f *Function) already() receipt.Receipt {
	r := f.begin(follow)
	r.Remaining = []string{"nothing to trigger: MODE=follow forwards all the time"}
	r.Finish(receipt.Outcome{Status: receipt.Busy})
	return r
}

var (
	_ serve.Readier    = (*Function)(nil)
	_ serve.Background = (*Function)(nil)
)
