package muleaudit

import (
	"context"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// sliceReceipt records, for one slice, which parts of it were read and what the API
// said of them: what [Function.Verify] compares the API with.
type sliceReceipt struct {
	Org   string    `json:"org"`
	Start time.Time `json:"slice_start"`
	End   time.Time `json:"slice_end"`
	// Distinct is the number of events in the slice's objects.
	Distinct int64     `json:"distinct"`
	Looks    []reading `json:"looks"`
}

// reading is the last look at [From, To) of the slice.
type reading struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Events   int64     `json:"events"`            // entries received, identical ones included
	APITotal int64     `json:"api_total"`         // entries counted by the API, -1 if it did not say
	Outside  int64     `json:"outside,omitempty"` // of APITotal, entries beside [From, To)
	Pages    int       `json:"pages"`
	Run      string    `json:"run"`
	At       time.Time `json:"at"`
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

// noteLook adds a finished look to its slice's record, in place of the looks at
// parts of the same span. It is a report, not what delivery rests on: should
// two runs write it at once, the last one stands, and the next look repairs it.
func (l orgState) noteLook(ctx context.Context, k look, run string, res found, distinct int64) error {
	rec, err := l.sliceReceipt(ctx, k.start)
	if err != nil {
		return err
	}
	rec.Org, rec.Start, rec.End, rec.Distinct = k.org, k.start, k.end, distinct
	kept := rec.Looks[:0]
	for _, old := range rec.Looks {
		if old.From.Before(k.from) || old.To.After(k.to) {
			kept = append(kept, old)
		}
	}
	rec.Looks = append(kept, reading{
		From: k.from, To: k.to, Events: res.entries, APITotal: res.total, Outside: res.outside, Pages: res.pages,
		Run: run, At: time.Now().UTC(),
	})
	return l.state.PutJSON(ctx, l.sliceReceiptPath(k.start), rec)
}
