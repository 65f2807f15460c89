package consume

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// lagTime bounds how long a run asks how far behind it is: that is worth a
// moment, and no more.
const lagTime = time.Second

// lag enters how far the checkpoint of each shard is behind now, of which rows
// were saved. Where something is left, the service tells when it received
// what lies at the checkpoint.
func (c *Consumer) lag(ctx context.Context, r *Receipt, rows []row) {
	ctx, cancel := context.WithTimeout(ctx, lagTime)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(16)
	lags := make([]*float64, len(rows))
	for i := range rows {
		g.Go(func() error {
			d, err := c.behind(ctx, rows[i].status)
			if err != nil {
				c.rt.Log.DebugContext(ctx, "lag unknown", "shard", rows[i].status.Shard, "error", err.Error())
				return nil //nolint:nilerr // null says that it is not known
			}
			s := d.Seconds()
			lags[i] = &s
			return nil
		})
	}
	_ = g.Wait() // none fails
	for i, at := range rows {
		n := slices.IndexFunc(r.Stretches, func(s Stretch) bool {
			return s.Saved && s.Shard == at.status.Shard && s.From == at.from && s.To == at.to
		})
		r.Stretches[n].LagSeconds = lags[i]
	}
	// A shard that was lost and regained has several rows: the last one counts.
	for _, s := range r.Stretches {
		if s.LagSeconds != nil {
			r.Lag(fmt.Sprint("shard-", s.Shard), time.Duration(*s.LagSeconds*float64(time.Second)))
		}
	}
}

// behind tells how long ago the first log was received that no checkpoint of s
// covers.
func (c *Consumer) behind(ctx context.Context, s sls.ShardStatus) (time.Duration, error) {
	at := s.Checkpoint
	if at == "" {
		at = s.Start
	}
	if s.Finished || s.CaughtUp && at == s.Position {
		return 0, nil
	}
	received, err := c.sls.CursorTime(ctx, s.Shard, at)
	if err != nil {
		return 0, err
	}
	return max(0, time.Since(received)), nil
}
