package slshec

import (
	"context"
	"fmt"

	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// forward carries the range of one shard that Function Compute's SLS trigger
// hands over. The trigger keeps the position itself: a 200 is the checkpoint,
// anything else has the same range handed over again.
func (f *Function) forward(ctx context.Context, g trigger.LogRange) (receipt.Receipt, error) {
	if g.Project != f.cfg.Project || g.Logstore != f.cfg.Logstore {
		return nil, retry.Permanent(&trigger.Error{Envelope: "SLS trigger", Status: 400, Reason: fmt.Sprintf(
			"it is about logstore %s/%s, and this function forwards %s/%s: point the trigger there, or set SLS_PROJECT and SLS_LOGSTORE",
			g.Project, g.Logstore, f.cfg.Project, f.cfg.Logstore)})
	}
	r := f.begin("range")
	r.Group, r.Redeliver = "", true
	run := outcome.Begin(ctx, f.cfg.RunTimeout, f.grace())
	defer run.Cancel()
	since := f.meter()
	own, cancel := run.LastWords()
	defer cancel()
	s := newSink(own, run.Context(), f)
	l := newLedger(f, r)
	st, err := f.sls.ReadRange(run.Context(), sls.Range{Shard: g.Shard, From: g.Begin, To: g.End, Query: f.cfg.Query, ConsumeProcessor: f.cfg.Processor, Grace: f.grace(), MaxBatch: f.cfg.BatchBytes / perBatch, MaxPending: maxPending,
		OnSaved: l.saved, OnUnsaved: l.unsaved}, s)
	s.close()
	l.status(st)
	f.settle(own, r, l, s, since)
	if !st.Finished || err != nil {
		r.Remaining = []string{fmt.Sprintf("shard %d: from cursor %s up to %s", g.Shard, g.Begin, g.End)}
	}
	return f.finish(run, r, err)
}
