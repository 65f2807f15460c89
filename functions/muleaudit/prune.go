package muleaudit

import (
	"context"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/prune"
)

var _ prune.Pruner = (*Function)(nil)

// Prune implements [prune.Pruner]. Of each organisation, also of one that is not
// configured any more, the state of slices goes that are older, and that neither
// a run looks at again nor anybody wrote to since: not what lies within the
// overlap behind the watermark, nor what waits to be published, nor what a
// backfill of long ago exported lately.
func (f *Function) Prune(ctx context.Context, o prune.Options) (prune.Report, error) {
	t, err := prune.Begin(ctx, f.state, "muleaudit", o)
	if err != nil {
		return prune.Report{}, err
	}
	if err := t.Proof(ctx, f.state, "muleaudit", f.quarantine); err != nil {
		return t.Report(), err
	}
	orgs, err := f.stateOrgs(ctx)
	if err != nil {
		return t.Report(), err
	}
	var kept int64
	for _, org := range orgs {
		n, err := f.pruneOrg(ctx, t, orgState{f.state, org})
		if err != nil {
			return t.Report(), fmt.Errorf("organisation %s: %w", org, err)
		}
		kept += n
	}
	t.Keep(prunedSlices, kept, "a run looks at them again, they wait to be published, or a backfill wrote to them since")
	err = t.Objects(ctx, f.state, "backfills", older(f.state.Objects(ctx, root+"backfill/"), t.Before()))
	return t.Report(), err
}

const prunedSlices = "state of slices"

// stateOrgs lists the organisations that the state knows.
func (f *Function) stateOrgs(ctx context.Context) ([]string, error) {
	var orgs []string
	for folder, err := range f.state.Folders(ctx, root) {
		if err != nil {
			return nil, err
		}
		org := path.Base(folder)
		if validOrg(org) && !slices.Contains(notOrgs, org) {
			orgs = append(orgs, org)
		}
	}
	return orgs, nil
}

// notOrgs are the folders beside those of organisations.
var notOrgs = []string{"receipts", "verify", "pruned", "backfill"}

// older leaves of a list what was written before t.
func older(list iter.Seq2[*blob.ListObject, error], t time.Time) iter.Seq2[*blob.ListObject, error] {
	return func(yield func(*blob.ListObject, error) bool) {
		for o, err := range list {
			if err == nil && !o.ModTime.Before(t) {
				continue
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// pruneOrg removes the slices of an organisation, and returns how many stay that
// are as old.
func (f *Function) pruneOrg(ctx context.Context, t *prune.Task, st orgState) (kept int64, err error) {
	pending, err := st.pending(ctx)
	if err != nil {
		return 0, err
	}
	needed, err := f.neededFrom(ctx, st)
	if err != nil {
		return 0, err
	}
	if needed.IsZero() || needed.After(t.Before()) {
		needed = t.Before()
	}
	noted := t.DryRun()
	days := map[string]bool{} // of which something stays
	err = t.Objects(ctx, f.state, prunedSlices, func(yield func(*blob.ListObject, error) bool) {
		for s, err := range st.sliceObjects(ctx, t.Before()) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !s.start.Add(day).Before(needed) || !s.written.Before(t.Before()) || s.named(pending) {
				kept++
				days[s.start.Format(dayForm)] = true
				continue
			}
			if !noted { // before anything is removed
				if err := st.forget(ctx, s.start, t.Before()); err != nil {
					yield(nil, err)
					return
				}
				noted = true
			}
			for _, o := range s.objects {
				if !yield(o, nil) {
					return
				}
			}
		}
	})
	if err != nil {
		return kept, err
	}
	err = t.Objects(ctx, f.state, "lengths of slices", func(yield func(*blob.ListObject, error) bool) {
		for o, err := range f.state.Objects(ctx, st.dir("lengths")+"/") {
			if err != nil {
				yield(nil, err)
				return
			}
			at := path.Base(path.Dir(o.Key))
			if days[at] || at >= needed.Format(dayForm) || !o.ModTime.Before(t.Before()) {
				continue
			}
			if !yield(o, nil) {
				return
			}
		}
	})
	if err != nil {
		return kept, err
	}
	// Of a backfill that was never ended: asked for again, it begins anew.
	err = t.Objects(ctx, f.state, "backfills", older(f.state.Objects(ctx, st.dir("backfill")+"/"), t.Before()))
	return kept, err
}

// neededFrom is from where on a run may look at slices again, zero if no
// scheduled run was there: behind the watermark, or where one was cut off that
// did, with the slices beside that. Where none got anywhere yet it is where they
// began.
func (f *Function) neededFrom(ctx context.Context, st orgState) (time.Time, error) {
	watermark, err := st.watermark(ctx)
	if err != nil {
		return watermark, err
	}
	if watermark.IsZero() {
		since, err := st.since(ctx)
		if err != nil || since.IsZero() {
			return since, err
		}
		return since.Add(-2 * day), nil
	}
	from := watermark.Add(-f.cfg.Overlap)
	b, err := st.behind(ctx)
	if err != nil {
		return from, err
	}
	if !b.Since.IsZero() {
		from = earliest(from, b.Since)
	}
	if b.Left != nil {
		from = earliest(from, b.Left.From)
	}
	return from.Add(-2 * day), nil
}

// sliceObjects is all that the state has of one slice.
type sliceObjects struct {
	start   time.Time
	written time.Time // the last of them
	objects []*blob.ListObject
}

// named tells whether one of the slice's objects is among keys.
func (s sliceObjects) named(keys []string) bool {
	return slices.ContainsFunc(s.objects, func(o *blob.ListObject) bool { return slices.Contains(keys, o.Key) })
}

// sliceObjects lists the slices that start before t, in order, one in memory at a
// time.
func (l orgState) sliceObjects(ctx context.Context, t time.Time) iter.Seq2[sliceObjects, error] {
	return func(yield func(sliceObjects, error) bool) {
		var s sliceObjects
		for o, err := range l.state.Objects(ctx, l.dir("slices")+"/") {
			var start time.Time
			if err == nil {
				name, _, _ := strings.Cut(strings.TrimPrefix(o.Key, l.dir("slices")+"/"), "/")
				if start, err = time.Parse(basic, name); err != nil {
					err = fmt.Errorf("%s is not the state of a slice: remove it", o.Key)
				}
			}
			if err != nil {
				yield(sliceObjects{}, err)
				return
			}
			if !start.Equal(s.start) {
				if len(s.objects) > 0 && !yield(s, nil) {
					return
				}
				s = sliceObjects{start: start}
			}
			if !start.Before(t) { // they come in order
				return
			}
			s.objects = append(s.objects, o)
			s.written = latest(s.written, o.ModTime)
		}
		if len(s.objects) > 0 {
			yield(s, nil)
		}
	}
}

// forgotten is a span of which the state may not know any more what was exported.
type forgotten struct {
	From time.Time `json:"from"`
	to   time.Time // the number in the series
}

func (l orgState) forgets() bucket.Series {
	return l.state.Series(l.dir("pruned")+"/", bucket.Times(stamp))
}

// forget notes that the state of slices from start on goes that began before t.
func (l orgState) forget(ctx context.Context, start, t time.Time) error {
	old, err := l.forgotten(ctx)
	if err != nil {
		return err
	}
	if !old.From.IsZero() {
		start = earliest(start, old.From)
	}
	if !old.From.IsZero() && !t.After(old.to) && !start.Before(old.From) {
		return nil
	}
	// Of one day there may be one with a later start, which has to give way.
	n := uint64(latest(t, old.to.Add(time.Millisecond)).UnixMilli()) //nolint:gosec // a time since 1970
	return l.forgets().Replace(ctx, n, forgotten{From: start})
}

// forgotten returns the zero span if nothing was ever pruned.
func (l orgState) forgotten(ctx context.Context) (f forgotten, err error) {
	ms, err := l.forgets().Latest(ctx, &f)
	if ms > 0 {
		f.to = time.UnixMilli(int64(ms)).UTC() //nolint:gosec // a time since 1970
	}
	return f, err
}

// refuseForgotten refuses a backfill of time whose state was pruned: what was
// exported of it is not known any more, so it could be exported twice.
func (f *Function) refuseForgotten(ctx context.Context, asked request, orgs []string) error {
	if !asked.backfill() {
		return nil
	}
	for _, org := range orgs {
		gone, err := orgState{f.state, org}.forgotten(ctx)
		if err != nil {
			return err
		}
		if !gone.From.IsZero() && asked.From.Before(gone.to) && asked.To.After(gone.From) {
			return refuse("what was exported of organisation %s from %s to %s is not known any more, since its state was pruned: its events could be exported twice",
				org, gone.From.Format(time.RFC3339), gone.to.Format(time.RFC3339))
		}
	}
	return nil
}
