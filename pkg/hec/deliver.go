package hec

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/siemfeed/siemfeed/pkg/deflate"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// receipt is an answer that settles a request: accepted, refused or tooLarge.
type receipt struct {
	answer
	by  *endpoint
	ack <-chan error // with Ack: see acker.expect
}

// deliver sends the events of s until an endpoint answers something that is
// about them. Its error is permanent, or the retries are used up.
func (c *Client) deliver(ctx context.Context, b *Batch, s *span) (receipt, error) {
	d := delivery{c: c, s: s, raw: b.size(*s), since: c.fleet.failed()}
	switch {
	case !c.opts.Gzip:
		d.body = b.slice(*s)
	case s.len() == b.Len():
		d.body = b.whole()
	default: // seldom: the whole was refused
		z := encoders.Get().(*deflate.Encoder) //nolint:forcetypeassert // see New
		defer encoders.Put(z)
		z.Reset()
		d.body = z.Finish(b.slice(*s))
	}
	if err := c.opts.Retry.Do(ctx, d.round); err != nil {
		return receipt{}, err
	}
	return d.got, d.down
}

// encoders pack parts of batches.
var encoders = sync.Pool{New: func() any { return new(deflate.Encoder) }}

type delivery struct {
	c      *Client
	s      *span
	raw    int
	body   []byte
	since  int // failures of the fleet before
	rounds int
	got    receipt
	down   error // the retries of all who wait together are used up
}

// round offers the body to each endpoint that is up, until one settles it.
func (d *delivery) round(ctx context.Context) error {
	d.rounds++
	var last error
	for tried := uint64(0); ; {
		l, ok, err := d.c.fleet.acquire(ctx, d.since, tried, last != nil)
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
		if last != nil && d.c.opts.Retry.Notify != nil {
			d.c.opts.Retry.Notify(d.rounds, 0, last)
		}
		tried |= 1 << l.index
		if last = d.try(ctx, l); last == nil || retry.IsPermanent(last) || ctx.Err() != nil {
			return last
		}
	}
}

// try makes one request and reports to the fleet how it went.
func (d *delivery) try(ctx context.Context, l lease) error {
	c := d.c
	d.count()
	mark := l.acks.mark()
	a, _, err := c.post(ctx, l.endpoint, pathEvent, d.body, c.opts.Gzip)
	if err != nil {
		a.uncertain, err = transportError(l.url, err)
	} else {
		err = c.judge(l.endpoint, &a)
	}
	d.s.again = d.s.again || a.uncertain
	if a.slow && err != nil {
		c.n.throttled.Add(1)
	}
	if err == nil {
		d.got = receipt{answer: a, by: l.endpoint}
		if c.opts.Ack && a.verdict == accepted {
			d.got.ack = l.acks.expect(mark, a.ackID)
		}
	}
	r := report{alive: err == nil, grow: err == nil && a.verdict == accepted && !a.slow, slow: a.slow && err != nil, after: a.after}
	if ctx.Err() == nil && !retry.IsPermanent(err) {
		r.err = err
	}
	c.fleet.release(l, r)
	return err
}

func (d *delivery) count() {
	n := &d.c.n
	n.requests.Add(1)
	n.raw.Add(int64(d.raw))
	n.wire.Add(int64(len(d.body)))
	if d.s.tries++; d.s.tries > 1 {
		n.retries.Add(1)
	}
	if d.s.again {
		n.repeats.Add(int64(d.s.len()))
		d.s.again = false
	}
}

// judge turns an answer that settles nothing into an error.
func (c *Client) judge(e *endpoint, a *answer) error {
	if a.verdict == accepted && c.opts.Ack && a.ackID < 0 {
		if a.cut {
			a.uncertain = true
			return fmt.Errorf("HEC %s answered %d, but the answer broke off before its ackId", e.url, a.status)
		}
		a.verdict, a.fix = misconfigured, "accepted without an ackId: set HEC_ACK=false, or turn indexer acknowledgement on for the token"
	}
	err := &Error{Endpoint: e.url, Status: a.status, Code: a.code, Text: a.text, Fix: a.fix}
	switch a.verdict {
	case transient:
		return err
	case misconfigured:
		return retry.Permanent(err)
	}
	return nil
}
