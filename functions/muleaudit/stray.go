package muleaudit

import (
	"context"
	"sync"
	"time"
)

// strays are the entries of one organisation that tell no time of their own,
// as a run finds them. More is asked of the API than a slice, so that one at an
// edge is found by the looks at both sides: it belongs to the first.
type strays struct {
	mu    sync.Mutex
	found map[key]time.Time // start of the slice it belongs to
}

// take tells whether the entry k belongs to the slice that starts at start.
func (s *strays) take(k key, start time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found == nil {
		s.found = map[key]time.Time{}
	}
	if _, ok := s.found[k]; !ok {
		s.found[k] = start
	}
	return s.found[k].Equal(start)
}

// beside is s with the slices that adjoin it.
func (s slice) beside() slice {
	return slice{s.org, s.start.Add(-time.Millisecond), s.end.Add(time.Millisecond)}
}

// edges tells a look which strays belong to the slices beside its own.
type edges struct {
	ctx     context.Context
	st      orgState
	slice   slice
	lengths []time.Duration
	strays  *strays
	known   *exported // read when the first stray comes
}

func (e *edges) elsewhere(k key) (bool, error) {
	if !e.strays.take(k, e.slice.start) {
		return true, nil
	}
	if e.known == nil {
		var err error
		if e.known, err = e.st.exported(e.ctx, e.slice.beside(), e.lengths); err != nil {
			return false, err
		}
	}
	return e.known.keys.has(k), nil
}
