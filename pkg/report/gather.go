package report

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/status"
)

// Function is what a page says of one function.
type Function struct {
	Name     string
	From, To time.Time // first day, and the first after the last
	Days     []Day
	Totals   Totals
	// Versions are the releases that ran, with the first and the last day each
	// was seen.
	Versions []Version
	// Findings are those of the proofs that days rest on.
	Findings []Named
	// MoreFindings counts those that the proofs do not name.
	MoreFindings int64
	Pending      status.Pending
}

// Version is a release that ran.
type Version struct {
	Name  string    `json:"name"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Runs  int       `json:"runs"`
}

// Named is a finding and the proof that named it.
type Named struct {
	receipt.Finding
	Proof time.Time `json:"proof"`
}

const (
	// daysAbreast and receiptsAbreast bound the requests under way, and with
	// them what is held: a receipt has a few kilobytes, rarely a few megabytes.
	daysAbreast     = 4
	receiptsAbreast = 16
	// laterProofs is how long after a day a proof may be the first that covers
	// it: the daily one looks back two days.
	laterProofs = 8
)

// Span is what to gather.
type Span struct {
	From, To time.Time // days, both included
	// Each has every receipt named with its hash, see [Day].
	Each bool
	// Progress is called with the receipts read so far, if it is not nil.
	Progress func(receipts int)
}

// Gather reads what is kept of function of a span, in the buckets of STATE_URL
// and QUARANTINE_URL.
func Gather(ctx context.Context, state, rejected *bucket.Bucket, function string, span Span) (Function, error) {
	from, to := span.From.UTC().Truncate(24*time.Hour), span.To.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1)
	f := Function{Name: function, From: from, To: to}
	for t := from; t.Before(to); t = t.AddDate(0, 0, 1) {
		f.Days = append(f.Days, Day{Date: t, each: span.Each})
	}
	seen := newSeen(span.Progress)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(daysAbreast)
	for i := range f.Days {
		g.Go(func() error { return gatherDay(gctx, state, function, &f.Days[i], seen) })
	}
	if err := g.Wait(); err != nil {
		return f, err
	}
	proofs, err := gatherProofs(ctx, state, function, from, to.AddDate(0, 0, laterProofs))
	if err != nil {
		return f, err
	}
	judge(f.Days, proofs, time.Now())
	f.Versions = seen.versions()
	for _, d := range f.Days {
		f.Totals.sum(d.Totals)
	}
	f.name()
	f.Pending, err = status.InQuarantine(ctx, quarantine.New(rejected, function))
	return f, err
}

// gatherDay sums up the receipts of a day, in the order of their names.
func gatherDay(ctx context.Context, state *bucket.Bucket, function string, d *Day, seen *seen) error {
	keys, err := state.Keys(ctx, function+"/receipts/"+d.Date.Format("2006/01/02/"))
	if err != nil {
		return err
	}
	for some := range slices.Chunk(keys, receiptsAbreast) {
		texts := make([][]byte, len(some))
		g, gctx := errgroup.WithContext(ctx)
		for i, key := range some {
			g.Go(func() (err error) {
				texts[i], err = state.ReadAll(gctx, key)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return fmt.Errorf("receipts of %s: %w", d.Date.Format(time.DateOnly), err)
		}
		for i, key := range some {
			r, err := d.add(key, texts[i])
			if err != nil {
				return err
			}
			seen.run(r.Version, d.Date)
		}
	}
	d.close()
	return nil
}

// gatherProofs reads the verifications kept from from until to, in the order of
// their times.
func gatherProofs(ctx context.Context, state *bucket.Bucket, function string, from, to time.Time) ([]Proof, error) {
	var proofs []Proof
	for o, err := range state.Days(ctx, function+"/verify/", from, to) {
		if err != nil {
			return nil, err
		}
		text, err := state.ReadAll(ctx, o.Key)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", o.Key, err)
		}
		var v receipt.Verification
		if err := json.Unmarshal(text, &v); err != nil {
			return nil, fmt.Errorf("%s is no verification: %w", o.Key, err)
		}
		at, err := receipt.Began(strings.TrimSuffix(path.Base(o.Key), ".json"))
		if err != nil {
			return nil, fmt.Errorf("%s is no name of a verification: %w", o.Key, err)
		}
		proofs = append(proofs, Proof{at, o.Key, v.Verify})
	}
	return proofs, nil
}

// name collects the findings of the proofs that the days rest on. Two of these
// may have looked at the same and named it both.
func (f *Function) name() {
	seen, rests := map[receipt.Finding]bool{}, map[*Proof]bool{}
	for _, d := range f.Days {
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
