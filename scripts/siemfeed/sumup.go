package main

import (
	"context"
	"time"

	"github.com/siemfeed/siemfeed/pkg/serve"
)

// sumUp keeps what the receipts of the days that are over come to, so that a
// report needs not to read each. Nobody asked for it: what is in its way is
// noted.
func (c *cli) sumUp(ctx context.Context, f serve.Verifier) {
	p := f.Proof()
	watched, stop := c.watch(ctx, "sum up for reports", "days")
	err := p.SumUp(watched, time.Now().Add(p.Budget))
	stop()
	if err != nil && ctx.Err() == nil {
		c.note("%s: what its days sum up to could not be kept in STATE_URL, so that a report has to read every receipt: %v", p.Function, err)
	}
}
