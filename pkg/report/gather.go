package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
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
	Pending      status.Pending
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
	reader := rollup.NewReader(state, function, span.Options)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(daysAbreast)
	for i := range f.Days {
		g.Go(func() (err error) {
			d := &f.Days[i]
			d.Day, d.RolledUp, err = reader.Day(gctx, d.Date)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return f, err
	}
	proofs, err := readProofs(ctx, state, function, from, to.AddDate(0, 0, laterProofs))
	if err != nil {
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

// name collects the findings of the receipts, and of the proofs that the days
// rest on, two of which may have looked at the same and named it both; and what
// is wrong with proofs themselves.
func (f *Function) name(proofs []Proof) {
	for _, p := range proofs {
		if p.Damaged != nil {
			f.Findings = append(f.Findings, Named{Finding: receipt.Finding{Kind: receipt.Unread, Where: p.Key, Detail: p.Damaged.Error()}})
		}
	}
	seen, rests := map[receipt.Finding]bool{}, map[*Proof]bool{}
	for _, d := range f.Days {
		for _, one := range d.Findings {
			f.Findings = append(f.Findings, Named{Finding: one})
		}
		f.MoreFindings += d.MoreFindings
		if d.Proof == nil || rests[d.Proof] {
			continue
		}
		rests[d.Proof] = true
		for _, one := range d.Proof.First {
			if !seen[one] {
				f.Findings = append(f.Findings, Named{one, d.Proof.Time})
			}
			seen[one] = true
		}
		f.MoreFindings += d.Proof.Findings - int64(len(d.Proof.First))
	}
}
