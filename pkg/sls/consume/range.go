package consume

import (
	"context"
	"errors"
	"fmt"

	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// forward carries the range of one shard that Function Compute's SLS trigger
// hands over. The trigger keeps the position itself: a 200 is the checkpoint,
// anything else has the same range handed over again.
func (c *Consumer) forward(ctx context.Context, g trigger.LogRange) (receipt.Receipt, error) {
	if g.Project != c.cfg.Project || g.Logstore != c.cfg.Logstore {
		return nil, retry.Permanent(&trigger.Error{Envelope: "SLS trigger", Status: 400, Reason: fmt.Sprintf(
			"it is about logstore %s/%s, and this function forwards %s/%s: point the trigger there, or set SLS_PROJECT and SLS_LOGSTORE",
			g.Project, g.Logstore, c.cfg.Project, c.cfg.Logstore)})
	}
	r := c.begin("range")
	r.Group, r.Redeliver = "", true
	run := outcome.Begin(ctx, c.cfg.RunTimeout, c.grace())
	defer run.Cancel()
	if err := format.Check(run.Context(), c.state, c.fn.Name); err != nil { // before anything is sent
		return c.finish(run, r, nil, err)
	}
	own, cancel := run.LastWords()
	defer cancel()
	l := newLedger(c, r)
	l.open(own, run.Context())
	st, err := c.sls.ReadRange(run.Context(), sls.Range{Shard: g.Shard, From: g.Begin, To: g.End, Query: c.cfg.Query, ConsumeProcessor: c.cfg.Processor, Grace: c.grace(), MaxPage: c.fn.MaxPage, MaxPending: c.fn.MaxPending,
		OldestOnExpired: c.cfg.OnInvalidCursor == oldest, OnSaved: l.saved, OnUnsaved: l.unsaved, OnGap: l.gap}, l)
	l.shut()
	err = errors.Join(err, c.save(own)) // the answer is the checkpoint
	l.status(st)
	l.fill(own, r)
	if !st.Finished || err != nil {
		r.Remaining = []string{fmt.Sprintf("shard %d: from cursor %s up to %s", g.Shard, g.Begin, g.End)}
	}
	return c.finish(run, r, l.sink, err)
}
