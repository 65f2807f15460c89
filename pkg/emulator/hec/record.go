package hec

import "maps"

// Stats count what a [Server] has seen since it was made.
type Stats struct {
	Requests int64 // of any kind that reached the server, faults included or not
	Events   int64 // accepted, repeats included
	Bytes    int64 // of accepted bodies, unpacked
	Wire     int64 // of accepted bodies, as sent
	Polls    int64 // of the ack endpoint
	Refused  int64 // event requests answered otherwise than 2xx
}

// record is what was accepted, small enough for millions of events.
type record struct {
	counts map[string]int
	acked  map[string]struct{}
}

func (r *record) accept(ids []string) {
	for _, id := range ids {
		if id != "" { // nothing can be said of an event that has no name
			r.counts[id]++
		}
	}
}

func (r *record) ack(ids []string) {
	for _, id := range ids {
		r.acked[id] = struct{}{}
	}
}

// Stats returns the counters so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Accepted returns how often the event with this id was accepted.
func (s *Server) Accepted(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.counts[id]
}

// Acked tells whether a client was told that the event is indexed.
func (s *Server) Acked(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.record.acked[id]
	return ok
}

// Counts returns how often each id was accepted.
func (s *Server) Counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.record.counts)
}

// Repeats returns how many accepted events were accepted before.
func (s *Server) Repeats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.record.counts {
		n += c - 1
	}
	return n
}
