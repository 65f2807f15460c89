package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// edge is how far beside a query's bounds the API may return entries that have no
// time of their own: see anypoint.Query.
const edge = 2 * time.Second

// dayForm is how the day of a slice begins its name.
const dayForm = "20060102"

// dayState is which manifests a day has, by the start of their slice, and the
// lengths that these slices may have: MULE_SLICE may change from one deployment
// to the next, and the slices of before still know what they hold.
type dayState struct {
	manifests map[time.Time][]uint64
	lengths   []time.Duration
	marked    []time.Duration // of these, those that are noted for this day
}

func (l orgState) lengthsDir(day time.Time) string {
	return l.dir("lengths", day.Format(dayForm)) + "/"
}

func (l orgState) day(ctx context.Context, day time.Time) (*dayState, error) {
	d := &dayState{manifests: map[time.Time][]uint64{}}
	names, err := l.state.Keys(ctx, l.dir("slices")+"/"+day.Format(dayForm))
	if err != nil {
		return nil, err
	}
	for _, k := range names {
		start, err := time.Parse(basic, path.Base(path.Dir(k)))
		if err != nil {
			return nil, fmt.Errorf("%s is not the state of a slice: remove it", k)
		}
		if n, err := strconv.ParseUint(path.Base(k), 10, 64); err == nil {
			d.manifests[start] = append(d.manifests[start], n)
		}
	}
	if len(d.manifests) == 0 {
		return d, nil
	}
	if d.marked, err = l.lengths(ctx, l.lengthsDir(day)); err != nil {
		return nil, err
	}
	if d.lengths = d.marked; len(d.lengths) == 0 {
		d.lengths, err = l.lengths(ctx, l.dir("length")+"/")
	}
	return d, err
}

func (l orgState) lengths(ctx context.Context, dir string) ([]time.Duration, error) {
	names, err := l.state.Keys(ctx, dir)
	if err != nil {
		return nil, err
	}
	out := make([]time.Duration, len(names))
	for i, k := range names {
		out[i], err = time.ParseDuration(path.Base(k))
		if err != nil || out[i] < time.Minute || day%out[i] != 0 {
			return nil, fmt.Errorf("%s is not a slice length: remove it", k)
		}
	}
	return out, nil
}

// mark notes that the day of s has manifests of slices of its length, before
// there is one.
func (l orgState) mark(ctx context.Context, d *dayState, s slice) error {
	for _, length := range append(slices.Clone(d.lengths), s.To.Sub(s.From)) {
		if slices.Contains(d.marked, length) {
			continue
		}
		err := l.state.CreateJSON(ctx, l.lengthsDir(s.From)+length.String(), struct{}{})
		if err != nil && !errors.Is(err, bucket.ErrExists) {
			return fmt.Errorf("save slice length: %w", err)
		}
		d.marked = append(d.marked, length)
	}
	d.lengths = slices.Clone(d.marked)
	return nil
}

// othersExported is errOvertaken if runs with slices of another length, as when
// MULE_SLICE was changed and an instance of before is still at work, have exported
// of the time of s since d was read: no manifest of s meets theirs. It costs a
// list, and two more where the day has slices of several lengths.
func (l orgState) othersExported(ctx context.Context, d *dayState, s slice) error {
	lengths, err := l.lengths(ctx, l.lengthsDir(s.From))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(lengths, func(length time.Duration) bool { return length != s.To.Sub(s.From) }) {
		return nil
	}
	now, err := l.day(ctx, s.From)
	if err != nil {
		return err
	}
	for start, numbers := range now.manifests {
		if !start.Equal(s.From) && now.overlaps(start, s) && len(numbers) > len(d.manifests[start]) {
			return errOvertaken
		}
	}
	return nil
}

// overlaps tells whether a slice that starts at start may have to do with s.
func (d *dayState) overlaps(start time.Time, s slice) bool {
	return slices.ContainsFunc(d.lengths, func(length time.Duration) bool {
		return start.Equal(start.Truncate(length)) && start.Before(s.To) && start.Add(length).After(s.From)
	})
}

// exported is what the objects of a slice hold so far. A walk comes to its
// manifests in order of time, and so their keys are in memory only while it may
// meet them: a slice may have millions.
type exported struct {
	st      orgState
	day     *dayState
	waiting []keyFile // in order of their beginnings
	held    []keyFile
	recent  keys   // of what the walk itself has committed, near where it is
	last    uint64 // manifest of this slice
	parts   int    // of this slice
	events  int64  // of this slice
}

// keyFile is the keys of a manifest.
type keyFile struct {
	interval // of the events
	name     string
	all      keys
}

// exported finds the manifests of all slices that overlap s, of whatever length,
// whose keys may lie in what is read.
func (l orgState) exported(ctx context.Context, d *dayState, s slice, read interval) (*exported, error) {
	e := &exported{st: l, day: d}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for start, numbers := range d.manifests {
		own := start.Equal(s.From)
		if !own && !d.overlaps(start, s) {
			continue
		}
		for _, n := range numbers {
			g.Go(func() error {
				name := l.manifestsOf(start).Key(n)
				m, err := readManifest(ctx, l.state, name, nil)
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				if own {
					e.count(n, m)
				}
				if m.near(read) {
					e.waiting = append(e.waiting, keyFile{interval{m.From, m.To}, name, nil})
				}
				return nil
			})
		}
	}
	err := g.Wait()
	slices.SortFunc(e.waiting, func(a, b keyFile) int { return a.From.Compare(b.From) })
	return e, err
}

// near tells whether keys of m may lie in read.
func (m manifest) near(read interval) bool {
	near := interval{read.From.Add(-edge), read.To.Add(edge)}
	return m.Keys > 0 && !near.within(interval{m.From, m.To}).empty()
}

// has tells whether an object holds k, of an event at a time to which the walk has
// come.
func (e *exported) has(ctx context.Context, k key, at time.Time) (bool, error) {
	for len(e.waiting) > 0 && !e.waiting[0].From.Add(-edge).After(at) {
		f := e.waiting[0]
		m, err := readManifest(ctx, e.st.state, f.name, nil)
		if err != nil {
			return false, err
		}
		f.all = make(keys, m.Keys)
		if _, err := readManifest(ctx, e.st.state, f.name, f.all); err != nil {
			return false, err
		}
		e.held, e.waiting = append(e.held, f), e.waiting[1:]
	}
	return e.recent.has(k) || slices.ContainsFunc(e.held, func(f keyFile) bool { return f.all.has(k) }), nil
}

// pass lets go of the keys of events before a time that the walk has left behind.
func (e *exported) pass(before time.Time) {
	e.held = slices.DeleteFunc(e.held, func(f keyFile) bool { return f.To.Add(edge).Before(before) })
}

// add takes in a manifest that has come since.
func (e *exported) add(n uint64, m manifest) {
	e.day.manifests[m.Start] = append(e.day.manifests[m.Start], n)
	e.count(n, m)
}

func (e *exported) count(n uint64, m manifest) {
	e.last = max(e.last, n)
	e.parts += len(m.Parts)
	for _, p := range m.Parts {
		e.events += p.Events
	}
}

// knownIn adds the keys of all events that may lie in read.
func (l orgState) knownIn(ctx context.Context, read interval, all keys) error {
	for at := read.From.Add(-edge).Truncate(day); at.Before(read.To.Add(edge)); at = at.Add(day) {
		d, err := l.day(ctx, at)
		if err != nil {
			return err
		}
		for start, numbers := range d.manifests {
			for _, n := range numbers {
				if start.After(read.To.Add(edge)) {
					continue
				}
				name := l.manifestsOf(start).Key(n)
				m, err := readManifest(ctx, l.state, name, nil)
				if err == nil && m.near(read) {
					_, err = readManifest(ctx, l.state, name, all)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}
