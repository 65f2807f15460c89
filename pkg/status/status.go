// Package status tells how a function fares from what it keeps in STATE_URL
// alone, whatever its age: the last run and the last that succeeded, how far
// each source is behind, what is pending in quarantine and the last proof.
package status

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Function is how one function fares.
type Function struct {
	Function string `json:"function"`
	// Last is the receipt of the run that began last; nil if none is kept of the
	// last 400 days.
	Last *receipt.Core `json:"last"`
	// Reached is up to when each source, such as an organisation, a shard or a
	// queue, was delivered when the last run ended.
	Reached map[string]time.Time `json:"reached,omitempty"`
	// Success is when the last run ended in which nothing failed. It is nil
	// where none of the runs looked at was one; SuccessBefore then is when the
	// oldest of these began.
	Success       *time.Time `json:"success"`
	SuccessBefore *time.Time `json:"success_before,omitempty"`
	Pending       Pending    `json:"pending"`
	// Proof is the last verification that a trigger asked for; nil if none is
	// kept of the last 400 days.
	Proof *Proof `json:"proof"`
	// Next is what to do, the most urgent first; empty if all is well.
	Next []string `json:"next"`

	unread []string // among the receipts that were looked at, that are none
}

// Pending is what lies in quarantine and was not replayed.
type Pending struct {
	Objects int `json:"objects"`
	// More says that there are more than that, which were not counted.
	More bool `json:"more,omitempty"`
	// Codes counts the records by code, of the first objects that were looked
	// into: Read of them.
	Codes map[string]int `json:"codes"`
	Read  int            `json:"read"`
	// Examples are the positions of the first record with each code.
	Examples map[string]json.RawMessage `json:"examples,omitempty"`
}

// Proof is a verification and when it ended.
type Proof struct {
	Time time.Time `json:"time"`
	receipt.Verified
}

// Read tells of function as of now, from the buckets of STATE_URL and
// QUARANTINE_URL, by a few dozen requests side by side.
func Read(ctx context.Context, state, rejected *bucket.Bucket, function string, now time.Time) (Function, error) {
	f := Function{Function: function}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.runs(gctx, state, now) })
	g.Go(func() (err error) {
		f.Proof, err = proof(gctx, state, function, now)
		return err
	})
	g.Go(func() (err error) {
		f.Pending, err = InQuarantine(gctx, quarantine.New(rejected, function))
		return err
	})
	if err := g.Wait(); err != nil {
		return f, fmt.Errorf("status of %s: %w", function, err)
	}
	if f.Last != nil {
		f.Reached = f.Last.Reached()
	}
	f.Next = f.next(now)
	return f, nil
}

const (
	// proofEvery is how often the proof should be asked for.
	proofEvery = 48 * time.Hour
	// silence is how long after its last run a function is taken for dead: every
	// schedule there is reason for is shorter.
	silence = 25 * time.Hour
)

// next says what to do about what is not well.
func (f *Function) next(now time.Time) []string {
	do := []string{}
	add := func(format string, args ...any) { do = append(do, fmt.Sprintf(format, args...)) }
	switch last := f.Last; {
	case last == nil:
		add("it has not run: siemfeed doctor %s, then let its trigger fire", f.Function)
		return do
	case last.Status == receipt.Failed:
		add("the last run failed: %s", last.Error)
	case now.Sub(last.StartedAt) > silence:
		add("it has not run for %s: look at its trigger", now.Sub(last.StartedAt).Round(time.Hour))
	}
	if len(f.unread) > 0 {
		add("see to what lies among its receipts and is none, %s: siemfeed verify %s names all", f.unread[0], f.Function)
	}
	if n := f.Pending.Objects; n > 0 {
		add("mend what put %s into quarantine, then siemfeed replay %s", objects(n, f.Pending.More), f.Function)
	}
	switch p := f.Proof; {
	case p == nil:
		add(`schedule {"verify":{}} once a day: there is no proof yet`)
	case !p.Complete():
		add("siemfeed verify %s names what the last proof found: %d findings%s", f.Function, p.Findings, incomplete(p.Incomplete))
	case now.Sub(p.Time) > proofEvery:
		add(`look at the schedule of {"verify":{}}: the last proof is of %s`, p.Time.Format(time.DateOnly))
	}
	return do
}

func objects(n int, more bool) string {
	switch {
	case more:
		return fmt.Sprintf("more than %d objects", n)
	case n == 1:
		return "an object"
	}
	return fmt.Sprintf("%d objects", n)
}

func incomplete(why string) string {
	if why == "" {
		return ""
	}
	return ", and not all was looked at: " + why
}
