package alitags

import (
	"context"
	"time"
)

// flight is one id being asked about, for all who wait for it.
type flight struct {
	key     key
	ctx     context.Context // of who asked first: its values go with the calls
	queued  time.Time
	group   *group // nil until it is sent
	waiters []*waiter
	live    int // of the waiters, those that have no answer yet
}

// waiter is one lookup that has no answer yet.
type waiter struct {
	flight *flight
	done   func(Answer, error)
	began  time.Time
	after  int64 // in ms: what was asked for before does not show what happened
	over   bool
	timer  *time.Timer
	stop   func() bool
}

// answered is a lookup that has its answer, to be told without the lock.
type answered struct {
	w      *waiter
	answer Answer
	err    error
}

func tell(all ...answered) {
	for _, a := range all {
		a.w.done(a.answer, a.err)
	}
}

// join waits for the flight of k, which begins unless it is under way.
func (c *Client) join(ctx context.Context, k key, after int64, done func(Answer, error)) {
	w := &waiter{done: done, began: time.Now(), after: after}
	budget := c.opts.Budget
	if k.scope.down {
		budget /= 10
	}
	w.timer = time.AfterFunc(budget, func() { c.expire(w) })
	w.stop = context.AfterFunc(ctx, func() { c.abandon(w, context.Cause(ctx)) })
	f := c.flights[k]
	if f == nil {
		f = c.begin(ctx, k)
	}
	f.add(w)
	c.dispatch(k.scope)
}

// begin queues a flight.
func (c *Client) begin(ctx context.Context, k key) *flight {
	f := &flight{key: k, ctx: ctx, queued: time.Now()}
	c.flights[k] = f
	k.scope.queue = append(k.scope.queue, f)
	return f
}

func (f *flight) add(w *waiter) {
	w.flight = f
	f.waiters = append(f.waiters, w)
	f.live++
	if f.group != nil {
		f.group.live++
	}
}

// leave ends a wait. It tells whether that was not over yet.
func (w *waiter) leave() bool {
	if w.over {
		return false
	}
	w.over = true
	w.timer.Stop()
	w.stop()
	w.flight.live--
	if g := w.flight.group; g != nil {
		g.live--
	}
	return true
}

// expire answers a lookup whose budget is spent.
func (c *Client) expire(w *waiter) {
	c.mu.Lock()
	if !w.leave() {
		c.mu.Unlock()
		return
	}
	f := w.flight
	if s := f.key.scope; s.heard.Before(w.began) && s.wasTried(w.began, time.Now()) {
		s.down = true
	}
	a := answered{w: w}
	if a.err = c.outOfReach(f.key.scope.account); a.err == nil {
		r, _ := c.memory.get(f.key)
		a.answer = r.unreachable()
	}
	// A request under way may still be answered, and what it says be remembered;
	// it is not made again.
	c.deserted(f, false)
	c.mu.Unlock()
	tell(a)
}

// abandon ends a wait whose context has ended: that is no answer.
func (c *Client) abandon(w *waiter, cause error) {
	c.mu.Lock()
	if !w.leave() {
		c.mu.Unlock()
		return
	}
	c.deserted(w.flight, true)
	c.mu.Unlock()
	tell(answered{w: w, err: cause})
}

// deserted ends what nobody waits for any more: now, or only where no request is
// under way.
func (c *Client) deserted(f *flight, now bool) {
	switch g := f.group; {
	case f.live > 0:
	case g == nil:
		delete(c.flights, f.key)
		f.key.scope.pass()
	case g.live == 0 && (now || !g.sending):
		for _, f := range g.flights {
			c.end(f)
		}
		g.cancel(errDeserted)
	}
}

// end lets the next lookup begin a flight of its own.
func (c *Client) end(f *flight) {
	if c.flights[f.key] == f {
		delete(c.flights, f.key)
	}
}
