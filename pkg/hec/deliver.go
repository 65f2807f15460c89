package hec

import (
	"context"
	"errors"
	"fmt"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// reply is the answer that a request came to: accepted, refused or tooLarge.
type reply struct {
	answer
	by     *endpoint
	packed bool         // what it answers
	ack    <-chan error // with Ack: see acker.expect
}

// deliver sends the events of p until an endpoint answers something that is
// about them. Its error is permanent, or the retries are used up. It returns
// without an answer where a receiver has come into doubt meanwhile, and another
// Send has the turn.
func (s *sending) deliver(ctx context.Context, p *span) (reply, error) {
	d := delivery{c: s.c, session: s.session, turn: s.turn, b: s.b, p: p, since: s.c.fleet.failed()}
	defer d.release()
	if err := s.c.opts.Retry.Do(ctx, d.round); err != nil {
		return reply{}, err
	}
	return d.got, d.down
}

type delivery struct {
	c       *Client
	session *Session
	turn    bool // this Send's, to try events
	b       *Batch
	p       *span
	z       packer // of a part of the batch, if one was packed
	part    []byte // what it made
	since   int    // failures of the fleet before
	rounds  int
	failed  bool // an attempt
	got     reply
	down    error // the retries of all who wait together are used up
}

// body is what to send, packed or not.
func (d *delivery) body(packed bool) []byte {
	switch {
	case !packed:
		return d.b.slice(*d.p)
	case d.p.len() == d.b.Len():
		return d.b.whole()
	case d.z == nil: // seldom: the whole was too large
		d.z = d.b.pool.packer()
		d.part = d.z.Finish(d.b.slice(*d.p))
	}
	return d.part
}

func (d *delivery) release() {
	if d.z != nil {
		d.b.pool.packers.Put(d.z)
	}
}

// round offers the body to each endpoint that is up, until one decides on it.
func (d *delivery) round(ctx context.Context) error {
	d.rounds++
	var last error
	tried := uint64(0)
	if e := d.p.only; e != nil && !d.failed {
		tried = ^(1 << e.index)
	}
	for {
		g, ok, err := d.c.fleet.acquire(ctx, d.since, tried, last != nil)
		if out, ok := errors.AsType[outage](err); ok {
			d.down = fmt.Errorf("every HEC endpoint keeps failing: %w", out.error)
			return nil
		}
		if err != nil {
			return errors.Join(last, err)
		}
		if !ok {
			return last
		}
		if !d.turn && d.session.waits() {
			d.c.fleet.release(g, report{})
			return nil
		}
		if last != nil && d.c.opts.Retry.Notify != nil {
			d.c.opts.Retry.Notify(d.rounds, 0, last)
		}
		if last = d.try(ctx, g); last == nil || retry.IsPermanent(last) || ctx.Err() != nil {
			return last
		}
		if !d.failed && d.p.only != nil {
			tried = 0 // any will do now
		}
		d.failed = true
		tried |= 1 << g.index
	}
}

// try makes one request and reports to the fleet how it went.
func (d *delivery) try(ctx context.Context, g grant) error {
	c := d.c
	packed := c.opts.Gzip && !d.p.plain && !d.session.of(g.endpoint).plain
	body := d.body(packed)
	d.count(len(body))
	mark := g.acks.mark()
	a, _, err := c.post(ctx, g.endpoint, mark.channel, pathEvent, body, packed)
	if err != nil {
		a.uncertain, err = transportError(g.url, err)
	} else if err = d.shut(ctx, g.endpoint, &a); err == nil {
		err = c.judge(g.endpoint, &a)
	}
	switch {
	case a.uncertain:
		d.p.maybe = d.p.len()
	case a.verdict == transient: // it may have been busy from event number on
		d.p.maybe = max(d.p.maybe, min(a.number, d.p.len()))
	}
	if a.slow && err != nil {
		c.n.throttled.Add(1)
	}
	if err == nil {
		d.got = reply{answer: a, by: g.endpoint, packed: packed}
		if c.opts.Ack && a.verdict == accepted {
			d.got.ack = g.acks.expect(mark, a.ackID)
		}
	}
	r := report{alive: err == nil, grow: err == nil && a.verdict == accepted && !a.slow, slow: a.slow && err != nil, after: a.after}
	if ctx.Err() == nil && !retry.IsPermanent(err) {
		r.err = err
	}
	c.fleet.release(g, r)
	return err
}

func (d *delivery) count(wire int) {
	n := &d.c.n
	n.requests.Add(1)
	n.raw.Add(int64(d.b.size(*d.p)))
	n.wire.Add(int64(wire))
	if d.p.tries++; d.p.tries > 1 {
		n.retries.Add(1)
	}
	n.repeats.Add(int64(d.p.maybe))
	d.p.maybe = 0
}

// judge turns an answer that decides nothing into an error.
func (c *Client) judge(e *endpoint, a *answer) error {
	if a.verdict == accepted && c.opts.Ack && a.ackID < 0 {
		a.verdict, a.fix = misconfigured, "accepted without an ackId: set HEC_ACK=false, or turn indexer acknowledgement on for the token"
	}
	err := &Error{Endpoint: e.url, Status: a.status, Code: a.code, Text: a.text, Fix: a.fix}
	switch a.verdict {
	case transient:
		if a.cut {
			return fmt.Errorf("%w: the answer broke off", err)
		}
		return err
	case misconfigured:
		return retry.Permanent(err)
	}
	return nil
}
