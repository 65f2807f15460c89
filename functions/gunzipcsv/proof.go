package gunzipcsv

import (
	"context"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// settled is how long an object has to lie in the source before it is missed:
// its notice may come late, or be tried again.
const settled = time.Hour

// Proof implements [serve.Verifier]: what it counts as checked are objects.
func (f *Function) Proof() serve.Proof {
	return serve.Proof{Function: "gunzipcsv", State: f.parts.State, Budget: f.cfg.RunTimeout, Check: f.check}
}

func (f *Function) check(ctx context.Context, from, to time.Time, v *receipt.Verified) error {
	if to.IsZero() {
		to = time.Now().UTC().Add(-settled)
	}
	if from.IsZero() {
		from = to.Add(-serve.DefaultSpan)
	}
	v.From, v.To = from, to
	found, err := f.Verify(ctx, VerifyOptions{Selection: Selection{From: from, To: to}})
	v.Checked = found.Objects + found.Gone
	v.Take(found.FindingList)
	v.Receipts = found.Receipts
	return err
}
