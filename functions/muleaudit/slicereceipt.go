package muleaudit

import (
	"context"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// sliceReceipt records, for one slice, which parts of it were read and how many
// entries that were: what [Function.Verify] compares the API with.
type sliceReceipt struct {
	Org   string    `json:"org"`
	Start time.Time `json:"slice_start"`
	End   time.Time `json:"slice_end"`
	// Distinct is the number of events in the slice's objects.
	Distinct int64 `json:"distinct"`
	// Readings are in order and apart; where one ends at the next one's beginning,
	// they are one.
	Readings []reading `json:"looks"`
}

// reading is what was last read of [From, To) of the slice.
type reading struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Events is the number of entries received, identical ones included. Where
	// readings overlapped it may be too small, never too large.
	Events   int64     `json:"events"`
	APITotal int64     `json:"api_total"`         // entries counted by the API, -1 if it was not asked for just this
	Outside  int64     `json:"outside,omitempty"` // of APITotal, entries beside [From, To)
	Pages    int       `json:"pages"`
	Run      string    `json:"run"` // the last one
	At       time.Time `json:"at"`
}

func (r reading) interval() interval { return interval{r.From, r.To} }

// says tells whether r says the same as other.
func (r reading) says(other reading) bool {
	return r.From.Equal(other.From) && r.To.Equal(other.To) && r.Events == other.Events
}

func (l orgState) sliceReceiptPath(start time.Time) string { return l.sliceDir(start) + "looks" }

// sliceReceipt returns the zero record for a slice that was never read.
func (l orgState) sliceReceipt(ctx context.Context, start time.Time) (sliceReceipt, error) {
	var rec sliceReceipt
	err := l.state.ReadJSON(ctx, l.sliceReceiptPath(start), &rec)
	if bucket.IsNotFound(err) {
		return rec, nil
	}
	return rec, err
}

// note adds a reading to its slice's record. It is a report, not what delivery
// rests on: should two runs write it at once, the last one stands, and the next
// reading repairs it.
func (l orgState) note(ctx context.Context, s slice, r reading, events int64) (sliceReceipt, error) {
	rec, err := l.sliceReceipt(ctx, s.From)
	if err != nil {
		return rec, err
	}
	events = max(events, rec.Distinct)
	readings := merge(rec.Readings, r)
	if events == rec.Distinct && slices.EqualFunc(readings, rec.Readings, reading.says) {
		return rec, nil // nothing new
	}
	rec.Org, rec.Start, rec.End, rec.Distinct = s.org, s.From, latest(s.To, rec.End), events
	rec.Readings = readings
	return rec, l.state.PutJSON(ctx, l.sliceReceiptPath(s.From), rec)
}

// note is [orgState.note], and remembers the record for the look behind.
func (e *export) note(ctx context.Context, s slice, r reading, events int64) error {
	rec, err := e.state.note(ctx, s, r, events)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.noted == nil {
		e.noted = map[time.Time]sliceReceipt{}
	}
	if _, there := e.noted[s.From]; there || len(e.noted) < mostNoted {
		e.noted[s.From] = rec
	}
	return nil
}

// mostNoted is how many of its slices a run remembers: some days.
const mostNoted = 100

// sliceReceipt returns the record of a slice, as this run has left it if it has.
func (e *export) sliceReceipt(ctx context.Context, start time.Time) (sliceReceipt, error) {
	e.mu.Lock()
	rec, ok := e.noted[start]
	e.mu.Unlock()
	if ok {
		return rec, nil
	}
	return e.state.sliceReceipt(ctx, start)
}

// merge puts r in place of what it covers, and makes one reading of those that
// adjoin it.
func merge(old []reading, r reading) []reading {
	var out []reading
	for _, o := range old {
		switch {
		case !o.From.Before(r.From) && !o.To.After(r.To): // covered
		case o.To.Before(r.From) || o.From.After(r.To):
			out = append(out, o)
		default:
			events, pages := max(o.Events, r.Events), max(o.Pages, r.Pages)
			if o.To.Equal(r.From) || o.From.Equal(r.To) {
				events, pages = o.Events+r.Events, o.Pages+r.Pages
			}
			r.From, r.To = earliest(o.From, r.From), latest(o.To, r.To)
			r.Events, r.Pages, r.APITotal, r.Outside = events, pages, -1, 0
		}
	}
	out = append(out, r)
	slices.SortFunc(out, func(a, b reading) int { return a.From.Compare(b.From) })
	return out
}
