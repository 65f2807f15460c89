package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

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

// Span is what to gather.
type Span struct {
	From, To time.Time // days, both included
	rollup.Options
	// Progress is called as days and receipts are read, one call after the
	// other, if it is not nil.
	Progress func(rollup.Progress)
}

// Gather reads what is kept of function of a span, in the buckets of STATE_URL
// and QUARANTINE_URL.
func Gather(ctx context.Context, state, rejected *bucket.Bucket, function string, span Span) (Function, error) {
	from, to := span.From.UTC().Truncate(24*time.Hour), span.To.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	f := Function{Name: function, From: from, To: to}
	now := time.Now()
	pruned, err := prune.Until(ctx, state, function)
	if err != nil {
		return f, err
	}
	proofs, err := readProofs(ctx, state, function, from, to.AddDate(0, 0, laterProofs))
	if err != nil {
		return f, err
	}
	var expect []string
	for _, p := range proofs {
		expect = append(expect, p.Receipts.Newest...)
	}
	read, err := rollup.Read(ctx, state, function, rollup.Span{
		From: from, To: f.Last(), Options: span.Options, Pruned: pruned, Expect: expect, Progress: span.Progress,
	})
	if err != nil {
		return f, err
	}
	for _, d := range read.Days {
		f.Days = append(f.Days, Day{Day: d})
	}
	f.MoreFindings, f.NotKept = read.MoreFindings, read.NotKept
	judge(f.Days, proofs, now)
	for _, d := range f.Days {
		f.Totals.Add(d.Totals)
	}
	f.Versions = versions(f.Days)
	f.name(proofs)
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
