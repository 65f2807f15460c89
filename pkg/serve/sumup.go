package serve

import (
	"context"
	"time"

	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/rollup"
)

// SumUp keeps what the receipts of the days that are over come to, so that a
// report over them needs not to read each receipt. It ends by deadline at the
// latest: the next one goes on from there.
func (p Proof) SumUp(ctx context.Context, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	pruned, err := prune.Until(ctx, p.State, p.Function)
	if err != nil {
		return err
	}
	return rollup.SumUp(ctx, p.State, p.Function, pruned)
}
