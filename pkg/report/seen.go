package report

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// seen notes which releases ran, while days are gathered side by side.
type seen struct {
	progress func(receipts int)

	mu       sync.Mutex
	receipts int
	by       map[string]*Version
}

func newSeen(progress func(int)) *seen {
	return &seen{progress: progress, by: map[string]*Version{}}
}

// run notes a run of version on day.
func (s *seen) run(version string, day time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.by[version]
	if v == nil {
		v = &Version{Name: version, First: day, Last: day}
		s.by[version] = v
	}
	v.Runs++
	if day.Before(v.First) {
		v.First = day
	}
	if day.After(v.Last) {
		v.Last = day
	}
	if s.receipts++; s.progress != nil {
		s.progress(s.receipts)
	}
}

// versions lists them in the order they came.
func (s *seen) versions() (list []Version) {
	for v := range maps.Values(s.by) {
		list = append(list, *v)
	}
	slices.SortFunc(list, func(a, b Version) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Name, b.Name))
	})
	return list
}
