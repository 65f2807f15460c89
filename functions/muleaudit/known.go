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

// exported is what the objects of a slice hold so far.
type exported struct {
	day    *dayState
	keys   keys   // also those of other slices that overlap this one
	last   uint64 // manifest of this slice
	parts  int    // of this slice
	events int64  // of this slice
}

// exported reads the manifests of all slices that overlap s, of whatever length,
// and of these the keys that may lie in what is read.
func (l orgState) exported(ctx context.Context, d *dayState, s slice, read interval) (*exported, error) {
	e := &exported{day: d, keys: keys{}}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for start, numbers := range d.manifests {
		own := start.Equal(s.From)
		overlaps := func(length time.Duration) bool {
			return start.Equal(start.Truncate(length)) && start.Before(s.To) && start.Add(length).After(s.From)
		}
		if !own && !slices.ContainsFunc(d.lengths, overlaps) {
			continue
		}
		for _, n := range numbers {
			g.Go(func() error {
				m, theirs, err := l.manifest(ctx, start, n, read)
				if err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				for k := range theirs {
					e.keys.add(k)
				}
				if own {
					e.count(n, m)
				}
				return nil
			})
		}
	}
	return e, g.Wait()
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

// manifest reads a manifest, and its keys if they may lie in read.
func (l orgState) manifest(ctx context.Context, start time.Time, n uint64, read interval) (manifest, keys, error) {
	name := l.manifestsOf(start).Key(n)
	m, err := readManifest(ctx, l.state, name, nil)
	near := interval{read.From.Add(-edge), read.To.Add(edge)}
	if err != nil || m.Keys == 0 || near.within(interval{m.From, m.To}).empty() {
		return m, nil, err
	}
	all := make(keys, m.Keys)
	m, err = readManifest(ctx, l.state, name, all)
	return m, all, err
}

// knownIn returns the keys of all events that may lie in read.
func (l orgState) knownIn(ctx context.Context, read interval) (keys, error) {
	all := keys{}
	for at := read.From.Add(-edge).Truncate(day); at.Before(read.To.Add(edge)); at = at.Add(day) {
		d, err := l.day(ctx, at)
		if err != nil {
			return nil, err
		}
		for start, numbers := range d.manifests {
			for _, n := range numbers {
				if start.After(read.To.Add(edge)) {
					continue
				}
				_, theirs, err := l.manifest(ctx, start, n, read)
				if err != nil {
					return nil, err
				}
				for k := range theirs {
					all.add(k)
				}
			}
		}
	}
	return all, nil
}
