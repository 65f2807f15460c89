package consume

import (
	"context"

	"github.com/siemfeed/siemfeed/pkg/prune"
)

var _ prune.Pruner = (*Consumer)(nil)

// Prune implements [prune.Pruner]. Checkpoints are in the service, and receipts
// are for verifications alone.
func (c *Consumer) Prune(ctx context.Context, o prune.Options) (prune.Report, error) {
	t, err := prune.Begin(ctx, c.state, c.fn.Name, o)
	if err != nil {
		return prune.Report{}, err
	}
	err = t.Proof(ctx, c.state, c.fn.Name, c.quarantine)
	return t.Report(), err
}
