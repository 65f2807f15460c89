package hec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
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
	// Status is the HTTP status (413 for an event too large to send), Code
	// Splunk's own or -1 without one, as from a firewall.
	Status, Code int
	Text         string
}

// Send delivers the events of b and returns when each is accepted (with Ack:
// acknowledged) or rejected. With an error, permanent or not in the sense of
// package retry, nothing can be said of any of them: send them again once it is
// mended. The batch stays the caller's and unchanged.
func (s *Session) Send(ctx context.Context, b *Batch) (Result, error) {
	if b.Len() == 0 {
		return Result{}, nil
	}
	s.update(func() { s.events, s.working = s.events+b.Len(), s.working+1 })
	defer s.update(func() { s.working-- })
	g := sending{c: s.c, session: s, b: b, todo: []span{{to: b.Len()}}}
	defer g.forget()
	if err := g.run(ctx); err != nil {
		return Result{}, err
	}
	slices.SortFunc(g.result.Rejected, func(a, b Rejection) int { return a.Index - b.Index })
	s.c.n.events.Add(int64(g.result.Accepted))
	s.c.n.rejected.Add(int64(len(g.result.Rejected)))
	return g.result, nil
}

// Send is [Session.Send] for a batch that is a run of its own.
func (c *Client) Send(ctx context.Context, b *Batch) (Result, error) {
	return c.session().Send(ctx, b)
}

// span is a run of a batch's events, which one request carries.
type span struct {
	from, to int
	plain    bool      // not to be packed
	only     *endpoint // to ask first, since it refused them together or packed
	unpacked *endpoint // that refused it packed: it is sent there once more
	named    bool      // alone because the server named it
	maybe    int       // how many, from the first on, the next request may repeat
	tries    int       // requests so far
	sends    int       // of them accepted, and never acknowledged
}

func (p span) len() int { return p.to - p.from }

// part is a sub-run of p, of which all that is known still holds.
func (p span) part(from, to int) span {
	maybe := min(max(p.from+p.maybe-from, 0), to-from)
	return span{from: from, to: to, plain: p.plain, only: p.only, maybe: maybe, tries: p.tries}
}

// sending is one Send.
type sending struct {
	c        *Client
	session  *Session
	b        *Batch
	todo     []span // a stack
	pending  []pending
	suspects []suspect
	turn     bool // this one tries events, and the others wait
	distrust bool // the server named an event that it then took
	result   Result
}

// pending is a span accepted and not yet acknowledged.
type pending struct {
	span
	reply
	since time.Time
}

// suspect is an event refused alone.
type suspect struct {
	span
	reply
}

func (s *sending) run(ctx context.Context) error {
	for len(s.todo) > 0 || len(s.pending) > 0 || len(s.suspects) > 0 {
		for len(s.todo) > 0 {
			next := s.todo[len(s.todo)-1]
			s.todo = s.todo[:len(s.todo)-1]
			if err := s.step(ctx, next); err != nil {
				return err
			}
		}
		s.pass()
		if err := s.awaitAcks(ctx); err != nil {
			return err
		}
		if len(s.todo) > 0 {
			continue // not acknowledged
		}
		if err := s.rejectProven(ctx); err != nil {
			return err
		}
	}
	return nil
}

// rejectProven rejects the suspects, but for those that another endpoint is to be asked
// about.
func (s *sending) rejectProven(ctx context.Context) error {
	until := time.Now().Add(s.c.patience())
	for _, p := range s.suspects {
		ask, err := s.session.proven(ctx, p.reply, until)
		switch {
		case err != nil:
			return err
		case ask != nil:
			p.only = ask
			s.todo = append(s.todo, p.span)
		default:
			s.reject(p)
		}
	}
	s.suspects = s.suspects[:0]
	return nil
}

// pass lets others try, if it was this one's turn.
func (s *sending) pass() {
	if s.turn {
		s.turn = false
		s.session.pass()
	}
}

func (s *sending) step(ctx context.Context, p span) error {
	var r reply
	for r.by == nil {
		var err error
		if !s.turn {
			if s.turn, err = s.session.turn(ctx); err != nil {
				return err
			}
		}
		if r, err = s.deliver(ctx, &p); err != nil {
			return err
		}
	}
	if r.verdict == accepted {
		s.accepted(p, r)
	} else {
		s.refused(p, r)
	}
	if s.turn && s.session.of(r.by).taken {
		s.pass()
	}
	return nil
}

func (s *sending) accepted(p span, r reply) {
	s.session.took(r.by)
	if p.unpacked == r.by {
		s.session.unpacks(r.by)
	}
	s.distrust = s.distrust || p.named
	if r.ack != nil {
		s.pending = append(s.pending, pending{p, r, time.Now()})
	} else {
		s.result.Accepted += p.len()
	}
}

// refused finds out which events of p are meant: none, if it is the packing;
// all, if the receiver takes nothing; else those that are refused when they
// stand alone, and unpacked, so that no fault of the packing looks like theirs.
func (s *sending) refused(p span, r reply) {
	s.session.refused(r.by)
	known := s.session.of(r.by)
	named := p.from + r.number
	if r.number < 0 || named >= p.to || s.distrust || p.len() == 1 || !known.taken && known.alone > 0 {
		named = -1
	}
	p.only = r.by
	if r.verdict == refused {
		p.maybe = p.len() // Splunk may have indexed events of a request it refused
	}
	switch {
	case r.packed && named < 0:
		p.plain, p.unpacked = true, r.by
		s.todo = append(s.todo, p)
		return
	case p.len() == 1:
		s.suspects = append(s.suspects, suspect{p, r})
		s.session.refusedAlone(r)
		s.pass()
		return
	}
	if r.verdict == tooLarge {
		p.plain = false // a part may fit, packed
		s.c.pool.shrink(s.b.size(p))
	}
	switch {
	case named >= 0:
		s.isolate(p, named, true)
	case !known.taken: // an event from anywhere, in case that the first are all bad
		s.isolate(p, p.from+rand.IntN(p.len()), false) // #nosec G404 -- not a secret
	case r.verdict == tooLarge:
		s.split(p, s.middle(p, s.b.size(p)))
	default:
		s.split(p, p.from+p.len()/2)
	}
}

// isolate sends event n next, alone and unpacked, and then what surrounds it: first
// what lies before it, or the larger part where it was picked. Among a few events that
// are all bad each pick would be, and look like a receiver that takes nothing.
func (s *sending) isolate(p span, n int, named bool) {
	before, behind := p.part(p.from, n), p.part(n+1, p.to)
	if !named && before.len() < behind.len() {
		before, behind = behind, before
	}
	for _, part := range []span{behind, before} {
		if part.len() > 0 {
			s.todo = append(s.todo, part)
		}
	}
	alone := p.part(n, n+1)
	alone.named, alone.plain = named, true
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

func (s *sending) reject(p suspect) {
	text := p.text
	if text == "" {
		text = http.StatusText(p.status)
	}
	s.result.Rejected = append(s.result.Rejected, Rejection{
		Index: p.from, Pos: s.b.Pos(p.from), Event: s.b.Event(p.from),
		Status: p.status, Code: p.code, Text: text,
	})
}

// awaitAcks waits for each pending span to be acknowledged. Those that were not
// in time are to be sent again.
func (s *sending) awaitAcks(ctx context.Context) error {
	if len(s.pending) == 1 && s.pending[0].reply.packed && s.pending[0].len() == s.b.Len() { // what was taken can be unpacked
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
			p.maybe = p.len()
			s.todo = append(s.todo, p.span)
		}
		s.pending = s.pending[1:]
	}
	return nil
}

// forget drops what is still waited for when Send ends early.
func (s *sending) forget() {
	s.pass()
	for _, p := range s.pending {
		p.by.acks.forget(p.ackID, p.ack)
	}
}
