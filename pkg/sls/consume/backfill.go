package consume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Backfill carries what SLS received in [from, to), seconds, in a consumer
// group of its own, which leaves the checkpoints of the ordinary runs alone. It
// is drained run after run until all is delivered; interrupted, the same span
// goes on where it was. Then the group is removed, since a logstore can have
// only so many. note, if set, hears of each run.
func (c *Consumer) Backfill(ctx context.Context, from, to time.Time, note func(receipt.Receipt)) error {
	from, to = from.UTC().Truncate(time.Second), to.UTC().Truncate(time.Second)
	if !from.Before(to) {
		return errors.New("backfill: the span is empty")
	}
	if to.After(time.Now()) {
		return errors.New("backfill: the span ends in the future")
	}
	o := c.workerOptions()
	o.Start, o.Beginnings, o.Until = from.Format(time.RFC3339), nil, to
	group := c.cfg.backfillGroup(from, to)
	for {
		open := c.begin("backfill")
		open.Group = group
		r, err := c.exclusive(ctx, open, o)
		if note != nil {
			note(r)
		}
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case r.Base().Status == receipt.Busy:
			return fmt.Errorf("backfill: %s", r.Base().Remaining[0])
		case r.Base().Status == receipt.OK:
			return c.sls.DeleteGroup(ctx, group)
		}
	}
}

// spanOf returns the cursors of what a shard received in [from, to).
func (c *Consumer) spanOf(ctx context.Context, shard int, from, to time.Time) (begin, end string, err error) {
	if begin, err = c.sls.CursorAt(ctx, shard, from); err != nil {
		return "", "", err
	}
	if to.IsZero() {
		end, err = c.sls.Cursor(ctx, shard, sls.End)
	} else {
		end, err = c.sls.CursorAt(ctx, shard, to)
	}
	return begin, end, err
}
