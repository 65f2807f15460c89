package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// VerifyOptions say what to verify.
type VerifyOptions struct {
	// From and To bound it; zero means from the first scheduled run to the
	// watermark.
	From, To time.Time
	// Last, where From is zero, is how far before To it begins, if the first
	// scheduled run was earlier; and where To is zero, too, it ends before what
	// the next run looks at again.
	Last time.Duration
	// Deleted says that the SIEM's feed deletes the objects it has read, so
	// that a missing object is no finding; MULE_FEED_DELETES says so for all.
	Deleted bool
	// Deep reads every object, and every entry from the API again, and looks for
	// each event where it has to be, instead of comparing sizes, stored hashes and
	// totals.
	Deep bool
}

// Verified is what one organisation's verification covered.
type Verified struct {
	Org      string    `json:"org"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Slices   int       `json:"slices"`
	Objects  int       `json:"objects"`
	Read     int       `json:"read"`      // of these, whose content was read
	Gone     int       `json:"gone"`      // of these, that are not there and may have been deleted by the feed
	Events   int64     `json:"events"`    // in these objects
	Entries  int64     `json:"entries"`   // received from the API
	APITotal int64     `json:"api_total"` // that the API counts there now
	// Forgotten counts the entries that the API no longer has, of slices of which
	// nothing is doubled.
	Forgotten int64 `json:"forgotten"`
	// Accepted counts the entries that were rejected and accepted as lost.
	Accepted int64 `json:"accepted"`
	// Left says what was not looked at.
	Left []string `json:"not_looked_at"`
	// Receipts is how far the receipts of all organisations are vouched for, with
	// the first of them.
	Receipts receipt.Chained `json:"receipts,omitzero"`
	receipt.FindingList
}

// Verify compares, for every organisation, what the receipts and the state say
// with the objects that are there, with what the API counts and with what is
// pending in quarantine. It writes nothing. An organisation that the API refuses
// is a finding; an error means that something could not be found out for
// another reason. What the others' verification brought is returned all the
// same.
func (f *Function) Verify(ctx context.Context, o VerifyOptions) ([]Verified, error) {
	orgs, err := f.organisations(ctx, request{})
	if len(orgs) == 0 {
		return nil, err
	}
	o.Deleted = o.Deleted || f.cfg.FeedDeletes
	v := &verification{
		f: f, o: o, began: time.Now(), orgs: map[string]*proven{},
		told: map[uint64]uint64{}, held: semaphore.NewWeighted(maxHeld),
	}
	list := make([]*proven, len(orgs))
	for i, org := range orgs {
		list[i] = &proven{verification: v, st: orgState{f.state, org}, v: Verified{Org: org, FindingList: receipt.NewFindingList()}}
		v.orgs[org] = list[i]
	}
	v.first = list[0]
	errs := []error{err, v.run(ctx, list)}
	out := make([]Verified, len(list))
	for i, p := range list {
		out[i] = p.v
	}
	return out, errors.Join(errs...)
}

// verification is one call of [Function.Verify].
type verification struct {
	f     *Function
	o     VerifyOptions
	began time.Time
	orgs  map[string]*proven
	first *proven             // with which that stands which is of no organisation
	held  *semaphore.Weighted // see maxHeld
	// pruned is the time before which there is no proof.
	pruned time.Time

	mu   sync.Mutex
	told map[uint64]uint64 // what the state says of objects: marks, by the marks of their names
	done time.Duration
}

// proven is one organisation's part of a verification.
type proven struct {
	*verification
	st     orgState
	slices []evidence
	bad    map[string]bool // objects that a finding is about
	v      Verified        // under the lock of verification, like bad
}

// find enters a finding.
func (p *proven) find(kind, where, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.v.Find(kind, where, format, args...)
}

// count adds to the counts under the lock.
func (p *proven) count(add func(*Verified)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add(&p.v)
}

// run verifies one organisation after the other: within one there is enough to
// do side by side.
func (v *verification) run(ctx context.Context, list []*proven) (err error) {
	if v.pruned, err = prune.Until(ctx, v.f.state, "muleaudit"); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for _, p := range list {
		g.Go(func() error { return p.bound(gctx) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, p := range list {
		progress.Expect(ctx, v.f.slicesIn(p.v.To.Sub(p.v.From)))
	}
	var errs []error
	for _, p := range list {
		if !p.v.From.Before(p.v.To) {
			continue
		}
		var refused *anypoint.Error
		err := p.verify(ctx)
		switch {
		case errors.As(err, &refused) && refused.Org != "" && retry.IsPermanent(err):
			p.find(receipt.Unread, p.v.Org, "%v", err)
		case err != nil:
			errs = append(errs, fmt.Errorf("organisation %s: %w", p.v.Org, err))
		}
		p.slices = nil
		if ctx.Err() != nil {
			break
		}
	}
	if len(errs) > 0 { // what the receipts name could not all be known
		return errors.Join(errs...)
	}
	return errors.Join(v.receipts(ctx, list), v.quarantine(ctx))
}

// bound finds out the time that is verified.
func (p *proven) bound(ctx context.Context) error {
	since, err := p.st.since(ctx)
	if err != nil {
		return err
	}
	watermark, err := p.st.watermark(ctx)
	if err != nil {
		return err
	}
	v, o, cfg := &p.v, p.o, p.f.cfg
	v.From, v.To = since, watermark
	if !o.To.IsZero() {
		v.To = o.To.UTC()
	} else if o.Last > 0 && !watermark.IsZero() {
		v.To = watermark.Add(-cfg.Overlap).Truncate(cfg.Slice)
	}
	if !o.From.IsZero() {
		v.From = o.From.UTC()
	} else if o.Last > 0 {
		v.From = latest(since, v.To.Add(-o.Last))
	}
	if v.From.Before(p.pruned) && !v.From.IsZero() {
		v.From = p.pruned
		p.left("before %s: its proof was pruned", v.From.Format(time.RFC3339))
	}
	switch {
	case !watermark.IsZero() && o.Last > 0 && !v.From.Before(v.To):
		v.To = v.From
		p.left("nothing is settled yet: the next run looks at all of it again")
	case v.From.IsZero() || !v.From.Before(v.To):
		v.To = v.From
		p.find(receipt.Gap, v.Org, "nothing was exported yet: run the function, or give the span of a backfill")
	default:
		p.bounds(since, watermark)
	}
	return nil
}

// bounds says what lies before and after what is verified.
func (p *proven) bounds(since, watermark time.Time) {
	if !since.IsZero() && since.Before(p.v.From) && p.v.From.After(p.pruned) {
		p.left("before %s: runs began at %s", p.v.From.Format(time.RFC3339), since.Format(time.RFC3339))
	}
	if watermark.After(p.v.To) {
		p.left("from %s to %s, which is exported", p.v.To.Format(time.RFC3339), watermark.Format(time.RFC3339))
	}
	if !p.o.Deep {
		p.left("the content of objects, where their size and stored hash are as written, and which entries they are, where the API's total is as it was: both are looked at deeply")
	}
}

func (p *proven) left(format string, args ...any) {
	p.count(func(v *Verified) { v.Left = append(v.Left, fmt.Sprintf(format, args...)) })
}

func (p *proven) verify(ctx context.Context) (err error) {
	if p.slices, err = p.f.evidence(ctx, p.st, p.v.From, p.v.To); err != nil {
		return err
	}
	p.bad = map[string]bool{}
	covered := p.v.From
	for _, e := range p.slices {
		covered = p.coverage(e, covered)
		p.tell(e)
		if e.waiting > 0 {
			p.find(receipt.Unpublished, e.String(), "%d rejected entries wait in the state: the next run sets them aside", e.waiting)
		}
	}
	if covered.Before(p.v.To) {
		p.gap(covered, p.v.To)
	}
	if err := p.strangers(ctx); err != nil {
		return err
	}
	if p.o.Deep {
		return p.each(ctx, func(ctx context.Context, e evidence) error {
			defer p.progress(ctx, latest(e.From, p.v.From), earliest(e.To, p.v.To))
			return p.deep(ctx, e)
		})
	}
	if err := p.each(ctx, p.objects); err != nil {
		return err
	}
	return p.totals(ctx)
}

// each does something about every slice, many side by side.
func (p *proven) each(ctx context.Context, do func(context.Context, evidence) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for _, e := range p.slices {
		g.Go(func() error { return do(gctx, e) })
	}
	return g.Wait()
}

// progress tells that one more part is done.
func (v *verification) progress(ctx context.Context, from, to time.Time) {
	v.mu.Lock()
	before := v.done
	v.done += max(0, to.Sub(from))
	n := v.f.slicesIn(v.done) - v.f.slicesIn(before)
	v.mu.Unlock()
	progress.Add(ctx, n)
}

func (p *proven) gap(from, to time.Time) {
	p.find(receipt.Gap, p.v.Org, "%s to %s was never read: run a backfill of it", from.Format(time.RFC3339), to.Format(time.RFC3339))
}

// coverage names the gap, if any, between what the slices before covered and
// what was read of this one, and returns how far it is covered now.
func (p *proven) coverage(e evidence, covered time.Time) time.Time {
	for _, r := range e.reads {
		if r.From.After(covered) && covered.Before(p.v.To) {
			p.gap(covered, earliest(r.From, p.v.To))
		}
		covered = latest(covered, r.To)
	}
	return covered
}

// tell enters what the state says of a slice.
func (p *proven) tell(e evidence) {
	p.count(func(v *Verified) {
		v.Slices++
		v.Objects += len(e.objects)
		v.Events += e.events()
		v.Entries += e.entries()
		for _, o := range e.objects {
			p.told[markOf(o.Name)] = markOf(Object{o.Name, o.Events, o.Bytes, o.SHA256})
		}
	})
}
