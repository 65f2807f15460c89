package hec

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Result says what became of a batch: each event was accepted or rejected.
type Result struct {
	Accepted int
	// Rejected events, in the order of the batch.
	Rejected []Rejection
}

// Rejection is an event that was sent alone and refused.
type Rejection struct {
	Index int // in the batch
	Pos   Pos
	// Event is its JSON text, valid until the batch is reset or released.
	Event []byte
	// Status is the HTTP status (400, or 413 for an event too large to send),
	// Code Splunk's own or -1 without one.
	Status, Code int
	Text         string
}

// Send delivers the events of b and returns when each is accepted (with Ack:
// acknowledged) or rejected. With an error, permanent or not in the sense of
// package retry, nothing can be said of any of them: send them again once it is
// mended. The batch stays the caller's and unchanged.
func (c *Client) Send(ctx context.Context, b *Batch) (Result, error) {
	if b.Len() == 0 {
		return Result{}, nil
	}
	s := sending{c: c, b: b, todo: []span{{to: b.Len()}}}
	defer s.forget()
	for len(s.todo) > 0 || len(s.pending) > 0 {
		for len(s.todo) > 0 {
			next := s.todo[len(s.todo)-1]
			s.todo = s.todo[:len(s.todo)-1]
			if err := s.step(ctx, next); err != nil {
				return Result{}, err
			}
		}
		if err := s.settle(ctx); err != nil {
			return Result{}, err
		}
	}
	slices.SortFunc(s.result.Rejected, func(a, b Rejection) int { return a.Index - b.Index })
	c.n.events.Add(int64(s.result.Accepted))
	c.n.rejected.Add(int64(len(s.result.Rejected)))
	return s.result, nil
}

// span is a run of a batch's events, which one request carries.
type span struct {
	from, to int
	named    bool // alone because the server named it
	again    bool // the next request may repeat what is already in
	tries    int  // requests so far
	sends    int  // of them accepted, and never acknowledged
}

func (s span) len() int { return s.to - s.from }

// part is a sub-run of s, of which all that is known still holds.
func (s span) part(from, to int) span {
	return span{from: from, to: to, again: s.again, tries: s.tries}
}

// sending is one Send.
type sending struct {
	c        *Client
	b        *Batch
	todo     []span // a stack
	pending  []pending
	distrust bool // the server named an event that it then took
	result   Result
}

// pending is a span accepted and not yet acknowledged.
type pending struct {
	span
	receipt
	since time.Time
}

func (s *sending) step(ctx context.Context, p span) error {
	r, err := s.c.deliver(ctx, s.b, &p)
	if err != nil {
		return err
	}
	switch r.verdict {
	case accepted:
		s.distrust = s.distrust || p.named
		if r.ack != nil {
			s.pending = append(s.pending, pending{p, r, time.Now()})
		} else {
			s.result.Accepted += p.len()
		}
	case tooLarge:
		if p.len() == 1 {
			s.reject(p, r)
			break
		}
		n := s.b.size(p)
		s.c.pool.shrink(n)
		s.split(p, s.middle(p, n))
	case refused:
		if p.len() == 1 {
			s.reject(p, r)
			break
		}
		// Splunk may have indexed events of a request it refused.
		p.again = true
		if n := p.from + r.number; r.number >= 0 && n < p.to && !s.distrust {
			s.isolate(p, n)
		} else {
			s.split(p, p.from+p.len()/2)
		}
	}
	return nil
}

// isolate sends event n next, alone, and then what surrounds it.
func (s *sending) isolate(p span, n int) {
	if n+1 < p.to {
		s.todo = append(s.todo, p.part(n+1, p.to))
	}
	if p.from < n {
		s.todo = append(s.todo, p.part(p.from, n))
	}
	alone := p.part(n, n+1)
	alone.named = true
	s.todo = append(s.todo, alone)
}

func (s *sending) split(p span, at int) {
	s.todo = append(s.todo, p.part(at, p.to), p.part(p.from, at))
}

// middle is where p, n bytes long, is cut so that the halves are about equal.
func (s *sending) middle(p span, n int) int {
	end := s.b.ends[p.to-1] - n/2
	at, _ := slices.BinarySearch(s.b.ends, end)
	return min(max(at, p.from+1), p.to-1)
}

func (s *sending) reject(p span, r receipt) {
	text := r.text
	if text == "" && r.verdict == tooLarge {
		text = "Request Entity Too Large"
	}
	s.result.Rejected = append(s.result.Rejected, Rejection{
		Index: p.from, Pos: s.b.Pos(p.from), Event: s.b.Event(p.from),
		Status: r.status, Code: r.code, Text: text,
	})
}

// settle waits for each pending span to be acknowledged. Those that were not
// in time are to be sent again.
func (s *sending) settle(ctx context.Context) error {
	if s.c.opts.Gzip && len(s.pending) == 1 && s.pending[0].len() == s.b.Len() {
		s.b.park()
	}
	for len(s.pending) > 0 {
		p := s.pending[0]
		lost, err := p.by.acks.wait(ctx, p.ackID, p.ack, s.c.opts.AckTimeout-time.Since(p.since))
		switch {
		case err != nil:
			return err
		case lost == nil:
			s.result.Accepted += p.len()
		default:
			p.sends++
			if p.sends >= s.c.opts.Retry.Attempts {
				return fmt.Errorf("%d events accepted %d times by HEC %s and not acknowledged: %w", p.len(), p.sends, p.by.url, lost)
			}
			if s.c.opts.Retry.Notify != nil {
				s.c.opts.Retry.Notify(p.sends, 0, lost)
			}
			p.again = true
			s.todo = append(s.todo, p.span)
		}
		s.pending = s.pending[1:]
	}
	return nil
}

// forget drops what is still waited for when Send ends early.
func (s *sending) forget() {
	for _, p := range s.pending {
		p.by.acks.forget(p.ackID, p.ack)
	}
}
