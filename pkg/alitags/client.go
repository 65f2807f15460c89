package alitags

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Client looks tags up. It is safe for concurrent use; build one a process, since
// it remembers.
type Client struct {
	opts  Options
	calls *caller
	kept  *kept // nil where nothing is kept
	work  sync.WaitGroup
	aside chan struct{} // holds as many as there are requests of groups aside
	sts   *pace

	mu       sync.Mutex
	memory   *memory
	scopes   map[scopeName]*scope
	sweepAt  int // as many scopes as this, and idle ones go
	accounts map[string]*account
	flights  map[key]*flight
	blocked  []*scope // that may not send yet
	running  int      // groups of all accounts, but for those aside
	stsGood  time.Time
	stats    Stats
	closed   bool
}

// Stats counts what a client has done since it was made.
type Stats struct {
	// Known lookups were answered from memory, Asked ones were not.
	Known, Asked int64
	// Calls are those of ListTagResources, each page and each attempt; AssumeRole
	// those of that.
	Calls, AssumeRole int64
	// Throttled are the calls that were refused because there were too many.
	Throttled int64
}

// ErrClosed ends the lookups that a [Client.Close] finds without an answer.
var ErrClosed = errors.New("the tag client is closed")

// New returns a client. It asks nothing of anyone yet. The error names every
// fault of the options at once.
func New(o Options) (*Client, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	o.setDefaults()
	m, err := newMemory(o.Size, o.Kept != nil)
	if err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	c := &Client{
		opts: o, calls: newCaller(&o), memory: m, sweepAt: leastScopes, aside: make(chan struct{}, mostAside), sts: newPace(),
		scopes: map[scopeName]*scope{}, accounts: map[string]*account{}, flights: map[key]*flight{},
	}
	if o.Kept != nil {
		c.kept = newKept(o.Kept, o.Prefix)
	}
	return c, nil
}

// Known returns the answer where no call has to be made for it. It allocates
// nothing then.
func (c *Client) Known(r Resource, e Event) (Answer, bool) {
	c.mu.Lock()
	a, ok := c.known(r, e)
	if ok {
		c.stats.Known++
	}
	c.mu.Unlock()
	return a, ok
}

func (c *Client) known(r Resource, e Event) (Answer, bool) {
	s := c.lookScope(r)
	if s == nil {
		return Answer{Status: Unsupported}, !r.supported()
	}
	k := key{s, r.ID}
	rec, ok := c.memory.get(k)
	now := time.Now()
	if what := e.on(r.Type); what != unchanged && ok {
		c.happened(k, &rec, what, e, now)
	}
	switch {
	case ok && rec.counts(now):
		return rec.answer(), true
	case now.Before(s.closedUntil):
		rec.last = s.closed
		return rec.answer(), true
	case now.Before(s.account.denied):
		return Answer{Status: Denied}, true
	}
	return Answer{Status: Unsupported}, !r.supported()
}

// happened takes note of an event in the record of a resource.
func (c *Client) happened(k key, r *record, what change, e Event, now time.Time) {
	if r.happened(what, e.at(now), now.UnixMilli()) {
		c.memory.changed(k)
	}
	c.memory.put(k, *r)
}

// Lookup finds the tags of a resource that an event touched. It calls done once:
// with an answer, before it returns or within the budget; or with an error, if
// ctx ends before, or if nothing can be looked up at all ([FaultError]). An error
// is no answer: the event has to be read again. Done must not block, and may call
// the client.
func (c *Client) Lookup(ctx context.Context, r Resource, e Event, done func(Answer, error)) {
	c.mu.Lock()
	if a, ok := c.known(r, e); ok {
		c.stats.Known++
		c.mu.Unlock()
		done(a, nil)
		return
	}
	if c.closed || ctx.Err() != nil {
		c.mu.Unlock()
		if err := context.Cause(ctx); err != nil {
			done(Answer{}, err)
			return
		}
		done(Answer{}, ErrClosed)
		return
	}
	c.stats.Asked++
	k := key{c.scopeOf(r), strings.Clone(r.ID)}
	rec, ok := c.memory.get(k)
	if what := e.on(r.Type); what != unchanged && !ok {
		c.happened(k, &rec, what, e, time.Now())
	}
	c.join(ctx, k, rec.fresh, done)
	c.mu.Unlock()
}

// Get is [Client.Lookup] for those who wait.
func (c *Client) Get(ctx context.Context, r Resource, e Event) (Answer, error) {
	type said struct {
		a   Answer
		err error
	}
	ch := make(chan said, 1)
	c.Lookup(ctx, r, e, func(a Answer, err error) { ch <- said{a, err} })
	got := <-ch
	return got.a, got.err
}

// Stats returns what was done so far.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Calls = c.calls.listed.Load()
	return s
}

func (c *Client) count(add func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	add(&c.stats)
}

// jittered is for how long an answer counts: the TTL, more or less a tenth, so
// that what was asked together is not asked again together.
func (c *Client) jittered() time.Duration {
	tenth := c.opts.TTL / 10
	return c.opts.TTL - tenth + rand.N(2*tenth+1)
}

// Close ends the lookups that have no answer, with [ErrClosed], and waits for
// what is under way. It saves nothing.
func (c *Client) Close() error {
	var open []*waiter
	c.mu.Lock()
	c.closed = true
	for _, f := range c.flights {
		for _, w := range f.waiters {
			if !w.over {
				open = append(open, w)
			}
		}
	}
	c.mu.Unlock()
	for _, w := range open {
		c.abandon(w, ErrClosed)
	}
	c.mu.Lock()
	for _, s := range c.scopes {
		if s.timer != nil {
			s.timer.Stop()
		}
	}
	for _, a := range c.accounts {
		if a.wake != nil {
			a.wake.Stop()
		}
	}
	c.mu.Unlock()
	c.work.Wait()
	c.calls.http.CloseIdleConnections()
	return nil
}
