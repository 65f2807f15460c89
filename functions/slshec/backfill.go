package slshec

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Backfill forwards what SLS received in [from, to), seconds, in a consumer
// group of its own, which leaves the checkpoints of the ordinary runs alone. It
// is drained run after run until all is delivered; interrupted, the same span
// goes on where it was. Then the group is removed, since a logstore can have
// only so many. note, if set, hears of each run.
func (f *Function) Backfill(ctx context.Context, from, to time.Time, note func(*Receipt)) error {
	from, to = from.UTC().Truncate(time.Second), to.UTC().Truncate(time.Second)
	if !from.Before(to) {
		return errors.New("backfill: the span is empty")
	}
	if to.After(time.Now()) {
		return errors.New("backfill: the span ends in the future")
	}
	o := f.workerOptions()
	o.Start, o.Until = from.Format(time.RFC3339), to
	group := f.cfg.backfillGroup(from, to)
	for {
		r := f.begin("backfill")
		r.Group = group
		r, err := f.exclusive(ctx, r, o)
		if note != nil {
			note(r)
		}
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case r.Status == receipt.Busy:
			return fmt.Errorf("backfill: %s", r.Remaining[0])
		case r.Status == receipt.OK:
			return f.sls.DeleteGroup(ctx, group)
		}
	}
}

// spanOf returns the cursors of what a shard received in [from, to).
func (f *Function) spanOf(ctx context.Context, shard int, from, to time.Time) (begin, end string, err error) {
	if begin, err = f.sls.CursorAt(ctx, shard, from); err != nil {
		return "", "", err
	}
	if to.IsZero() {
		end, err = f.sls.Cursor(ctx, shard, sls.End)
	} else {
		end, err = f.sls.CursorAt(ctx, shard, to)
	}
	return begin, end, err
}
