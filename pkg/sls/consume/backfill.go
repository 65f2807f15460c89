package consume

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

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
	gone, err := c.forgotten(ctx, from, to)
	if err != nil { // the first run says what is wrong
		c.rt.Log.WarnContext(ctx, "whether SLS holds all of the span is unknown", "error", err.Error())
	}
	o := c.workerOptions()
	o.Start, o.Beginnings, o.Until = from.Format(time.RFC3339), nil, to
	group := c.cfg.backfillGroup(from, to)
	for {
		open := c.begin("backfill")
		open.Group = group
		if gone != "" {
			open.Note(gone)
		}
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

// forgotten says which shards hold nothing of the beginning of a span, if any: an
// operator who asks for it back is to know that there may have been more.
func (c *Consumer) forgotten(ctx context.Context, from, to time.Time) (string, error) {
	shards, err := c.sls.Shards(ctx)
	if err != nil {
		return "", err
	}
	until := make([]time.Time, len(shards))
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i, s := range shards {
		g.Go(func() (err error) {
			until[i], err = c.sls.Forgotten(within, shards, s, from)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	var ids []string
	var last time.Time
	for i, at := range until {
		if !at.IsZero() && shards[i].Created().Before(to) {
			ids = append(ids, fmt.Sprint(shards[i].ID))
			if last.Before(at) {
				last = at
			}
		}
	}
	if ids == nil {
		return "", nil
	}
	return fmt.Sprintf("SLS holds nothing that shard %s received from %s on before %s at the latest: if there was anything, it is kept no longer",
		strings.Join(ids, ", "), from.Format(time.RFC3339), last.Format(time.RFC3339)), nil
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
