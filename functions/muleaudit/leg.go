package muleaudit

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// leg is a part of a window that one walk at a time reads, from its position
// on. Where one walk cannot spend the budget, another one takes over its rear.
type leg struct {
	e      *export
	from   time.Time
	behind bool // it is not new time: see Function.lookBehind

	// irregular says that a query has to be of one slice, unordered that nothing of
	// it counts before all of it is read. These, and days, are the walk's.
	irregular bool
	unordered bool
	days      map[time.Time]*dayState

	mu    sync.Mutex
	at    time.Time // the position: all before is durable
	to    time.Time
	front time.Time // what the walk has come to
	pages int       // since it was begun
}

func newLeg(e *export, i interval) *leg {
	return &leg{e: e, from: i.From, at: i.From, front: i.From, to: i.To}
}

// dayState is the manifests of a day, as they were when the leg first came to it
// and as its walks have added to them. Of a slice's own manifests, to append the
// next one tells what others have added.
func (s *leg) dayState(ctx context.Context, at time.Time) (*dayState, error) {
	at = at.Truncate(day)
	if d := s.days[at]; d != nil {
		return d, nil
	}
	d, err := s.e.state.day(ctx, at)
	if err != nil {
		return nil, err
	}
	if s.days == nil {
		s.days = map[time.Time]*dayState{}
	}
	s.days[at] = d
	return d, nil
}

func (s *leg) position() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *leg) end() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to
}

func (s *leg) moveTo(to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.front = latest(s.at, to), latest(s.front, to)
}

func (s *leg) done() bool { return !s.position().Before(s.end()) }

// pass tells whether the moment ms is still the walk's, and that it has come to
// it.
func (s *leg) pass(ms int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.UnixMilli(ms).UTC()
	if !at.Before(s.to) {
		return false
	}
	s.front = latest(s.front, at)
	return true
}

func (s *leg) pageRead() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages++
}

// longFrom is from how many pages on a leg may be split: most are at their
// end by then.
const longFrom = 4

// left estimates how many pages there are to come, 0 if that is not worth
// another walk.
func (s *leg) left() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	read := s.front.Sub(s.from)
	if s.behind || s.pages < longFrom || read <= 0 || s.to.Sub(s.front) < 2*s.e.f.cfg.Slice {
		return 0
	}
	left := float64(s.pages) * float64(s.to.Sub(s.front)) / float64(read)
	if left < longFrom {
		return 0
	}
	return left
}

// split cuts off the rear half, at the edge of a slice; nil if it is too late
// for that.
func (s *leg) split() *leg {
	s.mu.Lock()
	defer s.mu.Unlock()
	slice := s.e.f.cfg.Slice
	middle := s.front.Add(s.to.Sub(s.front) / 2).Truncate(slice).Add(slice)
	if !middle.Before(s.to) || middle.Sub(s.front) < slice {
		return nil
	}
	rear := newLeg(s.e, interval{middle, s.to})
	s.to = middle
	return rear
}

func (s *leg) String() string {
	return fmt.Sprintf("%s %s to %s", s.e.org, s.position().Format(time.RFC3339), s.end().Format(time.RFC3339))
}
