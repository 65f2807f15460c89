package hec

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Session is what is learned of the receivers in the course of one run: whether
// they take anything at all, and whether packed. It is safe for concurrent use.
//
// A receiver that refuses an event may mean the event, or everything: its token
// may be right and something on the way strip Content-Encoding, or answer 403 to
// all. So a refusal is the event's own fault only where others are taken. Until
// a receiver has taken something its refusals are in doubt: one [Session.Send] at
// a time tries single events on it, each from somewhere else in its batch, and
// the others wait for what that shows. After enough events, none of them taken,
// the session ends with an [Error] that has Refused set.
type Session struct {
	c     *Client
	trial chan struct{} // holds one: the Send whose turn it is to try events

	mu      sync.Mutex
	events  int // given to Send so far
	working int // Sends that may still show something
	known   []standing
	end     error         // a receiver that takes nothing
	shown   chan struct{} // closed when any of these has changed
}

// standing is what is known of one receiver.
type standing struct {
	taken   bool // an event, and since then it has not refused so many in a row
	alone   int  // events it refused alone, since it took any
	refused bool // a request, and has taken nothing since
	plain   bool // it took a body unpacked that it had refused packed
}

const (
	// enough events refused alone and none taken are a receiver that takes
	// nothing. Where there are fewer, Splunk's own codes are believed: else the
	// only event of a quiet source would be stuck.
	enough = 10
	// endless many in a row put a receiver in doubt that took others before: what
	// is right when a run begins can be wrong in the middle of it.
	endless = 1000
)

// Session begins a run. Endpoints on back-off are asked again at once: an earlier
// run may have been told to wait for a day, or have failed so often that this one
// would end before the next attempt, and only asking tells whether that still
// holds.
func (c *Client) Session() *Session {
	c.fleet.resume()
	return c.session()
}

func (c *Client) session() *Session {
	return &Session{c: c, trial: make(chan struct{}, 1), known: make([]standing, len(c.fleet.all)), shown: make(chan struct{})}
}

// Trust takes it for shown that the receivers take events, for a caller that
// loses nothing by a refusal that is believed too soon.
func (s *Session) Trust() *Session {
	s.update(func() {
		for i := range s.known {
			s.known[i].taken = true
		}
	})
	return s
}

// Unpacked returns the base URLs of the receivers that were found not to take
// compressed bodies, and are sent plain ones.
func (s *Session) Unpacked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var urls []string
	for i, k := range s.known {
		if k.plain {
			urls = append(urls, s.c.fleet.all[i].url)
		}
	}
	return urls
}

// update changes what is known and wakes those who wait for it.
func (s *Session) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.shown)
	s.shown = make(chan struct{})
}

func (s *Session) of(e *endpoint) standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[e.index]
}

// doubted tells whether a receiver has refused something and taken nothing.
func (s *Session) doubted() bool {
	for _, k := range s.known {
		if k.refused && !k.taken {
			return true
		}
	}
	return false
}

// took says that e has taken events.
func (s *Session) took(e *endpoint) {
	s.mu.Lock()
	k := &s.known[e.index]
	settled := k.taken && k.alone == 0
	s.mu.Unlock()
	if !settled { // most often it is
		s.update(func() { k.taken, k.refused, k.alone = true, false, 0 })
	}
}

// unpacks says that e took unpacked what it had refused packed.
func (s *Session) unpacks(e *endpoint) {
	first := false
	s.update(func() {
		first = !s.known[e.index].plain
		s.known[e.index].plain = true
	})
	if first && s.c.opts.Retry.Notify != nil {
		s.c.opts.Retry.Notify(1, 0, fmt.Errorf("HEC %s refused a body packed that it took unpacked: bodies go there unpacked from here on", e.url))
	}
}

// refused says that e has refused a request.
func (s *Session) refused(e *endpoint) {
	s.update(func() { s.known[e.index].refused = true })
}

// refusedAlone says that r refuses an event that was sent alone, unpacked.
func (s *Session) refusedAlone(r reply) {
	s.update(func() {
		k := &s.known[r.by.index]
		switch k.alone++; {
		case k.taken && k.alone >= endless:
			k.taken, k.alone = false, 0
		case !k.taken && k.alone >= enough:
			s.condemn(r, k.alone)
		}
	})
}

// condemn ends the session. s.mu is held.
func (s *Session) condemn(r reply, tried int) {
	if s.end == nil {
		s.end = retry.Permanent(&Error{
			Endpoint: r.by.url, Status: r.status, Code: r.code, Text: r.text, Refused: tried,
			Fix: "since it took none, the events are not what is wrong: " + r.refusalFix(),
		})
	}
}

// turn waits until the Send that asks may make a request. It returns true if a
// receiver is in doubt: then it has the turn to itself, until pass.
func (s *Session) turn(ctx context.Context) (bool, error) {
	s.mu.Lock()
	doubted, end := s.doubted(), s.end
	s.mu.Unlock()
	if end != nil || !doubted {
		return false, end
	}
	select {
	case s.trial <- struct{}{}:
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	s.mu.Lock()
	doubted, end = s.doubted(), s.end
	s.mu.Unlock()
	if end != nil || !doubted {
		s.pass()
		return false, end
	}
	return true, nil
}

// waits tells whether a Send without the turn has to wait for it.
func (s *Session) waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end != nil || s.doubted()
}

// pass gives the turn to the Send that has waited longest for it.
func (s *Session) pass() { <-s.trial }

// proven waits until it is known whether the refusal r, of an event that was
// sent alone, is the event's own fault: until r.by has taken others. Where only
// another endpoint has, it returns that one, to be asked too. Until then others
// may show it. The caller counts as working; it does not while it waits, since it
// shows nothing more.
func (s *Session) proven(ctx context.Context, r reply, until time.Time) (ask *endpoint, err error) {
	s.update(func() { s.working-- })
	defer s.update(func() { s.working++ })
	for {
		s.mu.Lock()
		end, working, shown := s.end, s.working, s.shown
		taken, others := s.known[r.by.index].taken, slices.IndexFunc(s.known, func(k standing) bool { return k.taken })
		s.mu.Unlock()
		switch {
		case end != nil:
			return nil, end
		case taken:
			return nil, nil
		case others >= 0:
			return s.c.fleet.all[others], nil
		}
		var nothing <-chan time.Time // while others are at work
		if working == 0 {
			nothing = time.After(time.Until(until))
		}
		select {
		case <-shown:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-nothing:
			if decided, err := s.decide(r); decided {
				return nil, err
			}
		}
	}
}

// decide judges the refusal r where nothing else comes that could tell.
func (s *Session) decide(r reply) (decided bool, err error) {
	s.update(func() {
		k := s.known[r.by.index]
		if s.working > 0 || slices.ContainsFunc(s.known, func(k standing) bool { return k.taken }) {
			return
		}
		if decided = true; s.events >= enough || !r.aboutEvents() {
			s.condemn(r, k.alone)
		}
		err = s.end
	})
	return decided, err
}
