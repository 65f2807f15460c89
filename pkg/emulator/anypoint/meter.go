package anypoint

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Metrics is what a server saw so far.
type Metrics struct {
	Requests    map[string]int // by "token", "query", "hierarchy", "me", "platforms", "other"
	Queries     map[string]int // by organisation
	Arrivals    []time.Time    // of every request, in order
	Throttled   int            // refused for the budget
	MaxInFlight int
}

// Busiest returns the most requests that arrived within any span of length d.
func (m Metrics) Busiest(d time.Duration) int {
	most, from := 0, 0
	for i, t := range m.Arrivals {
		for t.Sub(m.Arrivals[from]) >= d {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// Metrics returns a copy of the counts.
func (s *Server) Metrics() Metrics {
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	m := s.meter.m
	m.Requests, m.Queries = copyMap(m.Requests), copyMap(m.Queries)
	m.Arrivals = append([]time.Time(nil), m.Arrivals...)
	return m
}

func copyMap(m map[string]int) map[string]int {
	out := make(map[string]int, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

type meter struct {
	mu       sync.Mutex
	m        Metrics
	inFlight int
}

func (m *meter) throttled() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.m.Throttled++
}

func (m *meter) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.enter(r.URL.Path)
		defer m.leave()
		next.ServeHTTP(w, r)
	})
}

func (m *meter) enter(path string) {
	kind, org := classify(path)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.m.Requests == nil {
		m.m.Requests, m.m.Queries = map[string]int{}, map[string]int{}
	}
	m.m.Requests[kind]++
	if kind == "query" {
		m.m.Queries[org]++
	}
	m.m.Arrivals = append(m.m.Arrivals, time.Now())
	m.inFlight++
	m.m.MaxInFlight = max(m.m.MaxInFlight, m.inFlight)
}

func (m *meter) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inFlight--
}

// classify names the endpoint of a path, and the organisation in it.
func classify(path string) (kind, org string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch last := parts[len(parts)-1]; last {
	case "token", "hierarchy", "me", "platforms", "query":
		if len(parts) > 1 {
			org = parts[len(parts)-2]
		}
		return last, org
	}
	return "other", ""
}
