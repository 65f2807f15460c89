package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// totals are the counts of one receipt or of many: in = out + filtered +
// quarantined.
type totals struct {
	// In counts the records, or objects, that were read.
	In int64 `json:"in"`
	// Out counts those that were delivered.
	Out int64 `json:"out"`
	// Filtered counts those that were not to be delivered, or were before.
	Filtered int64 `json:"filtered"`
	// Quarantined counts those that were rejected.
	Quarantined int64 `json:"quarantined"`
}

func (t *totals) add(r *receipt.Core) {
	t.In += r.In
	t.Out += r.Out
	t.Filtered += r.Filtered
	t.Quarantined += r.Quarantined
}

func (t *totals) String() string {
	return fmt.Sprintf("in %s = out %s + filtered %s + quarantined %s", count(t.In), count(t.Out), count(t.Filtered), count(t.Quarantined))
}

// backfillAnswer is what a backfill has delivered, of this call alone.
type backfillAnswer struct {
	header
	// Function is the function whose past was delivered.
	Function functionName `json:"function"`
	// Runs counts the runs that it took, each with a receipt.
	Runs int64 `json:"runs"`
	totals
	// Objects counts the objects that were written.
	Objects int64 `json:"objects"`
	// Missed are the source objects that failed for now.
	Missed []missed `json:"missed"`

	line string // that tells of it in the function's terms
}

// missed is a source object that failed for now.
type missed struct {
	// Key names it in the source.
	Key string `json:"key"`
	// Error is why.
	Error string `json:"error"`
}

func newBackfillAnswer(name functionName) *backfillAnswer {
	return &backfillAnswer{Function: name, Missed: []missed{}}
}

func (b *backfillAnswer) add(r receipt.Receipt) {
	b.Runs++
	b.totals.add(r.Base())
}

func (b *backfillAnswer) kind() string { return "backfill" }
func (b *backfillAnswer) found() bool  { return false }

func (b *backfillAnswer) text(w io.Writer) {
	for _, m := range b.Missed {
		_, _ = fmt.Fprintf(w, "failed for now: %s: %s\n", m.Key, m.Error)
	}
	_, _ = fmt.Fprintln(w, b.line)
}

// ended shows what was delivered, and returns what is left undone.
func (b *backfillAnswer) ended(c *cli, err error) error {
	var left *gunzipcsv.Unconverted
	if errors.As(err, &left) {
		for _, m := range left.Objects {
			b.Missed = append(b.Missed, missed{m.Key, m.Error})
		}
	}
	if shown := c.show(b); shown != nil {
		return shown
	}
	if err != nil {
		return fmt.Errorf("%w; the same command goes on from here", err)
	}
	return nil
}
