package alitags

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// group is the flights that share a call, and its attempts.
type group struct {
	scope   *scope
	flights []*flight
	ctx     context.Context
	cancel  context.CancelCauseFunc
	asked   int64 // when it was sent, ms
	// aside says that it was not answered, or is of a scope that is down: it takes
	// nobody's place any more, and its requests wait for one of a few of their own.
	aside bool

	// Guarded by the client's lock.
	live    int  // waiters of all flights
	sending bool // a request is under way
}

// errDeserted ends the attempts at a call for which nobody waits.
var errDeserted = fmt.Errorf("nobody waits for the answer any more: %w", context.Canceled)

// dispatch sends what can be sent of a scope: full groups at once, another once
// its first id has lingered.
func (c *Client) dispatch(s *scope) {
	for !s.blocked {
		s.trim()
		if len(s.queue) == 0 {
			return
		}
		now := time.Now()
		if left := s.queue[0].queued.Add(c.opts.Linger).Sub(now); left > 0 && len(s.queue) < s.kind.API.most() {
			if s.timer == nil {
				s.timer = time.AfterFunc(left, func() {
					c.mu.Lock()
					defer c.mu.Unlock()
					s.timer = nil
					c.dispatch(s)
				})
			}
			return
		}
		if c.full(s) || !s.may(now) {
			s.blocked = true
			c.blocked = append(c.blocked, s)
			c.wake(s.account, now)
			return
		}
		c.send(s, now)
	}
}

// full tells whether a scope has to wait for others. However many accounts give no
// answer, there is room for those that are known to.
func (c *Client) full(s *scope) bool {
	switch {
	case s.down:
		return false // see [Client.enter]
	case s.allowed:
		return c.running >= mostCallsEver
	}
	return c.running >= mostUnproven
}

// wake looks again once the account's pause is over.
func (c *Client) wake(a *account, now time.Time) {
	if left := a.pause.Sub(now); left > 0 && a.wake == nil {
		a.wake = time.AfterFunc(left, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			a.wake = nil
			c.pump()
		})
	}
}

// pump sends what was held back, one group of each scope in turn.
func (c *Client) pump() {
	for range len(c.blocked) {
		now := time.Now()
		s := c.blocked[0]
		c.blocked = c.blocked[1:]
		switch s.trim(); {
		case len(s.queue) == 0:
			s.blocked = false
		case c.full(s), !s.may(now):
			c.blocked = append(c.blocked, s)
			c.wake(s.account, now)
		default:
			c.send(s, now)
			s.blocked = false
			c.dispatch(s)
		}
	}
}

// send makes a group of the first of the queue, and asks for it.
func (c *Client) send(s *scope, now time.Time) {
	g := &group{scope: s, asked: now.UnixMilli(), aside: s.down}
	for len(g.flights) < s.kind.API.most() {
		f := s.take()
		if f == nil {
			break
		}
		f.group = g
		g.live += f.live
		g.flights = append(g.flights, f)
	}
	// The run that asked first may end while others go on waiting.
	// A lookup that keeps failing holds nothing up, and fails no run.
	g.ctx, g.cancel = context.WithCancelCause(retry.Unwatched(context.WithoutCancel(g.flights[0].ctx)))
	if !g.aside {
		c.running++
	}
	s.running++
	s.account.running++
	s.sent = now
	c.work.Go(func() {
		results := make([]result, len(g.flights))
		err := c.ask(g, results)
		c.remember(g, results)
		g.cancel(nil)
		c.finish(g, results, err)
	})
}

// attempts makes the call until it is answered, or nobody waits for it.
func (c *Client) attempts(g *group, ids []string) (found map[string]map[string]string, err error) {
	policy := retry.Policy{Attempts: math.MaxInt, Base: 200 * time.Millisecond, Max: 2 * time.Second}
	if g.aside { // one try each time that somebody waits will do
		policy.Base = time.Second
	}
	a := g.scope.account
	err = policy.Do(g.ctx, func(ctx context.Context) error {
		leave, err := c.enter(ctx, g)
		if err != nil {
			return err
		}
		defer leave()
		if err := c.sending(g, true); err != nil {
			return err
		}
		var creds alibaba.Credentials
		creds, err = c.credentials(ctx, a)
		if err == nil {
			q := question{kind: g.scope.kind, account: g.scope.name.account, region: g.scope.name.region, typ: g.scope.name.typ, ids: ids}
			found, err = c.calls.list(ctx, c.endpoint(q.version(), q.kind.region(q.region)), creds, q, c.opts.System)
		}
		if left := c.sending(g, false); left != nil && err != nil {
			return left
		}
		if err = c.settleCall(a, creds, err); creds.AccessKeyID != "" && c.isNameless(g.scope, err) {
			return retry.Permanent(err)
		}
		if err != nil && !retry.IsPermanent(err) {
			c.setAside(g)
		}
		return err
	})
	return found, err
}

// A name that is not found may be found the next moment; one that never is, of a
// region in which a service has no endpoint, is not waited for by each event.
const (
	mostNameless = 3
	namelessFor  = 30 * time.Second
)

// isNameless tells whether the scope's endpoint has no address, again and again;
// then nobody asks for one for a while.
func (c *Client) isNameless(s *scope, err error) bool {
	var dns *net.DNSError
	c.mu.Lock()
	defer c.mu.Unlock()
	if !errors.As(err, &dns) || !dns.IsNotFound {
		s.nameless = 0
		return false
	}
	if s.nameless++; s.nameless < mostNameless {
		return false
	}
	s.closed, s.closedUntil = noEndpoint, time.Now().Add(namelessFor)
	return true
}

// enter waits for a place for a request of a group that is aside.
func (c *Client) enter(ctx context.Context, g *group) (leave func(), err error) {
	if !g.aside {
		return func() {}, nil
	}
	select {
	case c.aside <- struct{}{}:
		return func() { <-c.aside }, nil
	case <-ctx.Done():
		return nil, retry.Permanent(context.Cause(ctx))
	}
}

// setAside gives a group's place to others.
func (c *Client) setAside(g *group) {
	if g.aside {
		return
	}
	g.aside = true
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	c.pump()
}

// sending notes that a request begins or ends. The error is permanent where
// nobody waits for it.
func (c *Client) sending(g *group, begins bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	g.sending = begins
	if g.live > 0 {
		return nil
	}
	for _, f := range g.flights {
		c.end(f)
	}
	return retry.Permanent(errDeserted)
}

// settleCall draws the conclusions from an attempt, and marks its error.
func (c *Client) settleCall(a *account, creds alibaba.Credentials, err error) error {
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		a.answered()
		a.taken = creds.AccessKeyID
		return nil
	}
	switch judge(err) {
	case throttled:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.stats.Throttled++
		if creds.AccessKeyID == "" {
			return err // not the account was, but who asks for sessions: see [pace]
		}
		return retry.After(err, a.throttle(time.Now(), asked(err)))
	case expired:
		c.mu.Lock()
		taken := a.taken == creds.AccessKeyID
		c.mu.Unlock()
		a.drop(creds, taken)
		return err
	case transient:
		return retry.After(err, asked(err)) // a fault of STS among them, which may pass
	case ownFault:
		if !IsFault(err) {
			err = &FaultError{err}
		}
	}
	return retry.Permanent(err)
}

// remember looks among what other processes keep for what is gone: they may know
// it, or know better. What cannot be told for certain is no answer.
func (c *Client) remember(g *group, results []result) {
	var gone []int
	c.mu.Lock()
	for i, f := range g.flights {
		r, _ := c.memory.get(f.key)
		if o := results[i].outcome; o == knewNot || o == gaveNone && r.gone != 0 {
			gone = append(gone, i)
		}
	}
	c.mu.Unlock()
	if len(gone) == 0 {
		return
	}
	if err := c.recall(g.ctx); err != nil {
		for _, i := range gone {
			results[i] = result{outcome: unasked}
		}
	}
}

// finish answers all who wait for the group, and lets others have its place.
func (c *Client) finish(g *group, results []result, err error) {
	var all []answered
	c.mu.Lock()
	now := time.Now()
	s := g.scope
	for i, f := range g.flights {
		c.end(f)
		var r record
		if results[i].outcome != unasked { // also where others of the group have none
			s.down, s.heard = false, now
			r, _ = c.memory.get(f.key)
			if r.told(results[i].outcome, results[i].tags, g.asked, now.Add(c.jittered()).UnixMilli()) {
				c.memory.changed(f.key)
			}
			c.memory.put(f.key, r)
		}
		all = append(all, c.land(f, g, r, err)...)
	}
	if !g.aside {
		c.running--
	}
	s.running--
	s.account.running--
	c.pump()
	c.dispatch(s)
	c.mu.Unlock()
	tell(all...)
}

// land answers those who wait for a flight; who needs a newer answer waits on,
// for another.
func (c *Client) land(f *flight, g *group, r record, err error) (all []answered) {
	for _, w := range f.waiters {
		if w.over {
			continue
		}
		if r.last != unasked && g.asked < w.after {
			next := c.flights[f.key]
			if next == nil {
				next = c.begin(f.ctx, f.key)
			}
			f.live--
			g.live--
			next.add(w)
			continue
		}
		w.leave()
		a := answered{w: w}
		switch known, _ := c.memory.get(f.key); {
		case r.last != unasked:
			a.answer = r.answer()
		case IsFault(err):
			a.err = err
		default:
			a.answer = known.unreachable()
		}
		all = append(all, a)
	}
	return all
}
