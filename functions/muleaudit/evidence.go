package muleaudit

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// evidence is what STATE_URL tells of one slice of an organisation. How it is
// kept there is known here alone, as far as it is read to prove something.
type evidence struct {
	slice
	reads     []reading // what was read of it
	objects   []decided // what was decided to be in the output
	manifests []string  // where the keys of its entries are
	waiting   int64     // rejected entries that may not be in quarantine yet
}

// decided is an object that the output has to hold.
type decided struct {
	part
	waiting bool // it may not be published yet
}

// events counts those in the slice's objects.
func (e evidence) events() (n int64) {
	for _, o := range e.objects {
		n += o.Events
	}
	return n
}

// entries counts what the API sent of it, identical ones included.
func (e evidence) entries() (n int64) {
	for _, r := range e.reads {
		n += r.Events
	}
	return n
}

// keys adds the keys of all that the slice exported or rejected.
func (e evidence) keys(ctx context.Context, f *Function, into keys) error {
	for _, path := range e.manifests {
		if _, err := readManifest(ctx, f.state, path, into); err != nil {
			return err
		}
	}
	return nil
}

// lookers is how many calls to a store are made side by side: one that answers
// in 40 ms is then asked 800 times a second.
const lookers = 32

// evidence reads what the state tells of the slices that touch [from, to), in
// the order of their starts. It lists day by day, so that the cost is that of
// the span, not of the state's age.
func (f *Function) evidence(ctx context.Context, st orgState, from, to time.Time) ([]evidence, error) {
	pending, err := st.pending(ctx)
	if err != nil {
		return nil, err
	}
	var days []time.Time
	for d := from.Truncate(day).Add(-day); d.Before(to); d = d.Add(day) {
		days = append(days, d)
	}
	keys := make([][]string, len(days))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for i, d := range days {
		g.Go(func() (err error) {
			keys[i], err = f.state.Keys(gctx, st.dir("slices", d.Format("20060102")))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	all, err := bySlice(st.org, slices.Concat(keys...))
	if err != nil {
		return nil, err
	}
	g, gctx = errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for i := range all {
		g.Go(func() error { return f.readEvidence(gctx, st, &all[i], pending) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(e evidence) bool { return !e.From.Before(to) || !e.To.After(from) }), nil
}

// bySlice groups the keys of a state by the slice they are about.
func bySlice(org string, keys []string) ([]evidence, error) {
	var all []evidence
	for _, k := range keys {
		start, err := time.Parse(basic, path.Base(path.Dir(k)))
		if err != nil {
			return nil, fmt.Errorf("%s is not the state of a slice: remove it", k)
		}
		if len(all) == 0 || !all[len(all)-1].From.Equal(start) {
			all = append(all, evidence{slice: slice{org, interval{start, start}}})
		}
		if e := &all[len(all)-1]; path.Base(k) != "looks" {
			e.manifests = append(e.manifests, k)
		}
	}
	return all, nil
}

func (f *Function) readEvidence(ctx context.Context, st orgState, e *evidence, pending []string) error {
	rec, err := st.sliceReceipt(ctx, e.From)
	if err != nil {
		return err
	}
	e.To, e.reads = latest(e.To, rec.End), rec.Readings
	slices.SortFunc(e.reads, func(a, b reading) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To))
	})
	for _, path := range e.manifests {
		c, err := readManifest(ctx, f.state, path, nil)
		if err != nil {
			return err
		}
		e.To = latest(e.To, c.End)
		waiting := slices.Contains(pending, path)
		for _, p := range c.Parts {
			e.objects = append(e.objects, decided{p, waiting})
		}
		for _, p := range c.Rejected {
			if waiting {
				e.waiting += p.Events
			}
		}
	}
	return nil
}
