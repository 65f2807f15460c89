package consume

import (
	"context"
	"maps"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Proof implements [serve.Verifier]: what it counts as checked are the logs in
// SLS.
func (c *Consumer) Proof() serve.Proof {
	return serve.Proof{Function: c.fn.Name, State: c.state, Budget: c.cfg.RunTimeout, Check: c.check}
}

func (c *Consumer) check(ctx context.Context, from, to time.Time, v *receipt.Verified) error {
	v.From, v.To = from, to
	up := upTo{time: to}
	if to.IsZero() {
		v.To = time.Now().UTC()
		var err error
		if up.saved, err = c.saved(ctx); err != nil {
			return err
		}
	}
	if from.IsZero() {
		v.From = v.To.Add(-serve.DefaultSpan)
		oldest, err := receipt.Oldest(ctx, c.state, c.fn.Name)
		if err != nil {
			return err
		}
		if from = v.From; oldest.After(from) {
			from, v.From = time.Time{}, oldest // no log before the first run was asked for
		}
	}
	shards, err := c.verify(ctx, from, up)
	for _, s := range shards {
		v.Checked += s.Held
		v.Find(s.Findings...)
		v.Receipts.Add(s.Chained)
		if !s.Until.IsZero() && s.Until.Before(v.To) {
			v.To = s.Until // one shard may be behind the others
		}
	}
	if v.To.Before(v.From) {
		v.To = v.From // nothing is passed yet
	}
	if err != nil {
		return err
	}
	rejected, err := c.Pending(ctx, v.From, v.To)
	v.Take(rejected)
	return err
}

// upTo is where a verification ends: at a receive time, zero for the end of the
// logstore; or, if saved is set, at the checkpoints.
type upTo struct {
	time  time.Time
	saved map[int]string
}

// saved returns the checkpoints by shard, and where the group begins in one that
// was never held.
func (c *Consumer) saved(ctx context.Context) (map[int]string, error) {
	out := map[int]string{}
	list, err := c.sls.Checkpoints(ctx, c.cfg.Group)
	if sls.IsCode(err, sls.CodeGroupNotExist) {
		return out, nil // Function Compute's trigger keeps the positions
	}
	if err != nil {
		return nil, err
	}
	var begun sls.Beginning
	if _, err := c.beginnings(c.cfg.Group).Latest(ctx, &begun); err != nil {
		return nil, err
	}
	maps.Copy(out, begun.Cursors)
	for _, c := range list {
		if c.Cursor != "" {
			out[c.Shard] = c.Cursor
		}
	}
	return out, nil
}

// passed returns the cursor up to which a shard is done with: its checkpoint,
// or else where its last stretch ends; empty if it has none. The time is that of the
// first log after it, zero if there is none.
func (c *Consumer) passed(ctx context.Context, shard int, up upTo, known []Stretch) (string, time.Time, error) {
	cursor := up.saved[shard]
	for _, r := range known {
		if cursor == "" || up.saved[shard] == "" && number(r.To) > number(cursor) {
			cursor = r.To
		}
	}
	if cursor == "" {
		return "", time.Time{}, nil
	}
	end, err := c.sls.Cursor(ctx, shard, sls.End)
	if err != nil || number(cursor) >= number(end) {
		return cursor, time.Time{}, err
	}
	at, err := c.sls.CursorTime(ctx, shard, cursor)
	if sls.IsInvalidCursor(err) {
		return cursor, time.Time{}, nil // kept no longer, which is found out further on
	}
	return cursor, at, err
}
