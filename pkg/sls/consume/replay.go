package consume

import (
	"context"
	"fmt"

	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// Replayed is what became of the records in quarantine.
type Replayed struct {
	Objects  int      // replayed as a whole, and marked so
	Accepted int      // records that were taken
	Kept     []string // objects that stay, each with the first reason
}

// Replay has one deliver the records of each object in quarantine again. An object
// of which every record is taken is marked as replayed; for any other one returns a
// reason, and the object stays as it is.
func (c *Consumer) Replay(ctx context.Context, one func(ctx context.Context, object string) (accepted int, reason string, err error)) (Replayed, error) {
	var done Replayed
	if err := format.Check(ctx, c.state, c.fn.Name); err != nil {
		return done, err
	}
	for obj, err := range c.quarantine.Pending(ctx) {
		if err != nil {
			return done, err
		}
		accepted, reason, err := one(ctx, obj.Name)
		done.Accepted += accepted
		progress.Add(ctx, int64(accepted))
		if quarantine.IsDamaged(err) { // which holds up no other
			reason, err = err.Error(), nil
		}
		if err != nil {
			return done, fmt.Errorf("%s: %w", obj.Name, err)
		}
		if reason != "" {
			done.Kept = append(done.Kept, obj.Name+": "+reason)
			continue
		}
		if err := c.quarantine.Replayed(ctx, obj); err != nil {
			return done, err
		}
		done.Objects++
	}
	return done, nil
}
