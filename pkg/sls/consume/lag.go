package consume

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// askTime bounds how long a run asks, at its end, how far behind it is, and who else
// reads: that is worth a moment, and no more.
const askTime = time.Second

// ask enters what is asked at the end of r, of the stretches from the one numbered
// begin on.
func (l *ledger) ask(ctx context.Context, r *Receipt, begin int) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var g errgroup.Group
	g.Go(func() error { l.c.lag(ctx, r, begin); return nil })
	err := l.shared(ctx, r)
	_ = g.Wait() // does not fail
	if err != nil {
		l.c.rt.Log.DebugContext(ctx, "who else reads is unknown", "error", err.Error())
	}
}

// lag enters how far the checkpoint of each shard is behind now, of the stretches
// from the one numbered begin on. Where something is left, the service tells when
// it received what lies at the checkpoint.
func (c *Consumer) lag(ctx context.Context, r *Receipt, begin int) {
	var g errgroup.Group
	g.SetLimit(16)
	for i := range r.Stretches[begin:] {
		s := &r.Stretches[begin+i]
		if !s.Saved {
			continue
		}
		g.Go(func() error {
			d, err := c.behind(ctx, s.status)
			if err != nil {
				c.rt.Log.DebugContext(ctx, "lag unknown", "shard", s.Shard, "error", err.Error())
				return nil //nolint:nilerr // null says that it is not known
			}
			seconds := d.Seconds()
			s.LagSeconds = &seconds
			return nil
		})
	}
	_ = g.Wait() // none fails
	// A shard that was lost and regained has several stretches: the last one counts.
	for _, s := range r.Stretches {
		if s.LagSeconds != nil {
			r.Lag(fmt.Sprint("shard-", s.Shard), time.Duration(*s.LagSeconds*float64(time.Second)))
		}
	}
}

// behind tells how long ago the first log was received that no checkpoint of s
// covers.
func (c *Consumer) behind(ctx context.Context, s sls.ShardStatus) (time.Duration, error) {
	at := cmp.Or(s.Checkpoint, s.Start)
	if s.Finished || s.CaughtUp && at == s.Position {
		return 0, nil
	}
	received, err := c.sls.CursorTime(ctx, s.Shard, at)
	if err != nil {
		return 0, err
	}
	return max(0, time.Since(received)), nil
}
