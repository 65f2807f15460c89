package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/rollup"
	"github.com/siemfeed/siemfeed/pkg/status"
)

// Function is what a page says of one function.
type Function struct {
	Name     string
	From, To time.Time // first day, and the first after the last
	Days     []Day
	Totals   rollup.Totals
	// Versions are the releases that ran, with the first and the last day each
	// was seen.
	Versions []Version
	// Findings are those of the proofs that days rest on, and of receipts.
	Findings []Named
	// MoreFindings counts those that are not named.
	MoreFindings int64
	// Chained is how far the receipts that were read are vouched for.
	Chained receipt.Chained
	Pending status.Pending
	// NotKept says why days could not be rolled up, nil if they could.
	NotKept error
}

// Version is a release that ran.
type Version struct {
	Name  string    `json:"name"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Runs  int       `json:"runs"`
}

// Named is a finding and the proof that named it; none where it is about a
// receipt that was read.
type Named struct {
	receipt.Finding
	Proof time.Time `json:"proof,omitzero"`
}

// daysAbreast is how many days are read side by side: of each a list, and its
// roll-up or its receipts.
const daysAbreast = 32

// Span is what to gather.
type Span struct {
	From, To time.Time // days, both included
	rollup.Options
	// Progress is called as days and receipts are read, one call after the
	// other, if it is not nil.
	Progress func(Progress)
}

// Progress is how far a span is gathered.
type Progress struct {
	Days, Of int
	Receipts int
}

// Gather reads what is kept of function of a span, in the buckets of STATE_URL
// and QUARANTINE_URL.
func Gather(ctx context.Context, state, rejected *bucket.Bucket, function string, span Span) (Function, error) {
	from, to := span.From.UTC().Truncate(24*time.Hour), span.To.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	f := Function{Name: function, From: from, To: to}
	for t := from; t.Before(to); t = t.AddDate(0, 0, 1) {
		f.Days = append(f.Days, Day{Day: rollup.Day{Date: t}})
	}
	now := time.Now()
	pruned, err := prune.Until(ctx, state, function)
	if err != nil {
		return f, err
	}
	chain := receipt.NewChain(function, receipt.ChainSpan{Listed: from, Pruned: pruned, Skipped: func(day time.Time) (bool, time.Time) {
		i := int(day.Sub(from) / (24 * time.Hour))
		if i < 0 || i >= len(f.Days) {
			return true, time.Time{}
		}
		return f.Days[i].RolledUp, f.Days[i].LastSaved
	}})
	span.Taken = func(key string, saved time.Time, text []byte) { chain.Add(key, saved, text) }
	var mu sync.Mutex
	at := Progress{Of: len(f.Days)}
	progress := func(days, receipts int) {
		mu.Lock()
		defer mu.Unlock()
		at.Days += days
		at.Receipts = max(at.Receipts, receipts)
		if span.Progress != nil {
			span.Progress(at)
		}
	}
	span.Options.Progress = func(receipts int) { progress(0, receipts) }
	reader := rollup.NewReader(state, function, span.Options)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(daysAbreast)
	for i := range f.Days {
		g.Go(func() (err error) {
			d := &f.Days[i]
			d.Day, d.RolledUp, err = reader.Day(gctx, d.Date)
			progress(1, 0)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return f, err
	}
	if err := f.readFollowing(ctx, state, span.Options); err != nil {
		return f, err
	}
	proofs, err := readProofs(ctx, state, function, from, to.AddDate(0, 0, laterProofs))
	if err != nil {
		return f, err
	}
	if err := f.check(ctx, state, chain, proofs, reader); err != nil {
		return f, err
	}
	judge(f.Days, proofs, now)
	for _, d := range f.Days {
		f.Totals.Add(d.Totals)
	}
	f.Versions = versions(f.Days)
	f.name(proofs)
	f.NotKept = reader.NotKept()
	f.Pending, err = status.InQuarantine(ctx, quarantine.New(rejected, function))
	return f, err
}

// readFollowing reads the days after those that were read: receipts of theirs may
// be named there alone.
func (f *Function) readFollowing(ctx context.Context, state *bucket.Bucket, o rollup.Options) error {
	o.Reread, o.Progress = true, nil
	reader := rollup.NewReader(state, f.Name, o)
	var again []*Day
	for i := 1; i < len(f.Days); i++ {
		if f.Days[i].RolledUp && !f.Days[i-1].RolledUp {
			again = append(again, &f.Days[i])
		}
	}
	for _, d := range again {
		var err error
		if d.Day, d.RolledUp, err = reader.Day(ctx, d.Date); err != nil {
			return err
		}
	}
	return nil
}

// check enters what is found of the chain of receipts. A day of which that is
// anything is not rolled up, so that it is found again.
func (f *Function) check(ctx context.Context, state *bucket.Bucket, chain *receipt.Chain, proofs []Proof, reader *rollup.Reader) error {
	for _, p := range proofs {
		chain.Expect(p.Receipts.Newest)
	}
	list, chained, err := chain.Check(ctx, state)
	if err != nil {
		return err
	}
	f.Chained = chained
	f.MoreFindings += list.Found - int64(len(list.Findings))
	var broken []time.Time
	for _, one := range list.Findings {
		n, err := receipt.NameOf(one.Where)
		if i := int(n.At.Sub(f.From) / (24 * time.Hour)); err == nil && i >= 0 && i < len(f.Days) {
			f.Days[i].Find(one)
			broken = append(broken, f.Days[i].Date)
		} else {
			f.Findings = append(f.Findings, Named{Finding: one})
		}
	}
	for _, day := range slices.CompactFunc(slices.SortedFunc(slices.Values(broken), time.Time.Compare), time.Time.Equal) {
		if err := reader.Forget(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

// versions lists the releases that ran in the order they came.
func versions(days []Day) (list []Version) {
	by := map[string]*Version{}
	for _, d := range days {
		for name, runs := range d.Versions {
			v := by[name]
			if v == nil {
				v = &Version{Name: name, First: d.Date}
				by[name] = v
			}
			v.Last = d.Date
			v.Runs += runs
		}
	}
	for v := range maps.Values(by) {
		list = append(list, *v)
	}
	slices.SortFunc(list, func(a, b Version) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// mostNamed is how many findings of a function are named, whatever the span: a
// page is to be read.
const mostNamed = 300

// name collects the findings of the receipts, and of the proofs that the days
// rest on, two of which may have looked at the same and named it both; and what
// is wrong with proofs themselves.
func (f *Function) name(proofs []Proof) {
	seen, rests := map[receipt.Finding]bool{}, map[*Proof]bool{}
	add := func(one receipt.Finding, proof time.Time) {
		switch {
		case seen[one]:
		case len(f.Findings) >= mostNamed:
			f.MoreFindings++
		default:
			seen[one] = true
			f.Findings = append(f.Findings, Named{one, proof})
		}
	}
	for _, p := range proofs {
		if p.Damaged != nil {
			add(receipt.Finding{Kind: receipt.Unread, Where: p.Key, Detail: "it is no proof: " + p.Damaged.Error()}, time.Time{})
		}
	}
	for _, d := range f.Days {
		for _, one := range d.Findings {
			add(one, time.Time{})
		}
		f.MoreFindings += d.MoreFindings
		if d.Proof == nil || rests[d.Proof] {
			continue
		}
		rests[d.Proof] = true
		named := d.Proof.Named()
		for _, one := range named {
			add(one, d.Proof.Time)
		}
		f.MoreFindings += d.Proof.Verified.Findings - int64(len(named))
	}
}
