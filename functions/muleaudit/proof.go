package muleaudit

import (
	"context"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// Proof implements [serve.Verifier]: what it counts as checked are the entries
// that the API counts.
func (f *Function) Proof() serve.Proof {
	return serve.Proof{Function: "muleaudit", State: f.state, Budget: f.cfg.RunTimeout, Check: f.check}
}

func (f *Function) check(ctx context.Context, from, to time.Time, v *receipt.Verified) error {
	orgs, err := f.Verify(ctx, VerifyOptions{From: from, To: to, Last: serve.DefaultSpan})
	first := true
	for _, o := range orgs {
		if o.From.Before(o.To) && o.Slices == 0 && o.Found == 0 {
			continue // not come to
		}
		v.Checked += o.APITotal
		v.Take(o.FindingList)
		v.Receipts.Add(o.Receipts)
		if first || o.From.Before(v.From) {
			v.From = o.From
		}
		if first || o.To.Before(v.To) {
			v.To = o.To // one organisation may be behind the others
		}
		first = false
	}
	return err
}
