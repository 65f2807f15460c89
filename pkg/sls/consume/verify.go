package consume

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Verified is what a verification found about one shard.
type Verified struct {
	Shard int
	// From and To are the cursors that were compared: what the shard received
	// in the span, widened to whole stretches of receipts.
	From, To string
	// Until is the receive time of the first log after what is passed, zero if
	// there is none or this was not asked for.
	Until time.Time
	// Receipts counts the logs that receipts say were read, of these Accepted
	// by the sink, Filtered and Quarantined. Held counts those in SLS.
	Receipts, Accepted, Filtered, Quarantined, Held int64
	// Chained is how far the receipts, which are those of all shards, are vouched
	// for. It and what is found of them stands with the first shard.
	Chained  receipt.Chained
	Findings []receipt.Finding
}

// Verify compares, shard by shard, what receipts say was delivered of the logs
// that SLS received in [from, to) with what SLS holds: the stretches of the receipts
// must join without a gap, and as many logs must lie between their cursors as
// they count, which is found out by reading the shard again. A zero from means
// where the receipts begin, a zero to the end of the logstore.
func (c *Consumer) Verify(ctx context.Context, from, to time.Time) ([]Verified, error) {
	return c.verify(ctx, from, upTo{time: to})
}

func (c *Consumer) verify(ctx context.Context, from time.Time, up upTo) ([]Verified, error) {
	pruned, err := prune.Until(ctx, c.state, c.fn.Name)
	if err != nil {
		return nil, err
	}
	if !from.IsZero() && from.Before(pruned) {
		from = pruned
	}
	known, found, chained, err := c.evidence(ctx, receipt.ReadSpan{From: from, Pruned: pruned})
	if err != nil {
		return nil, err
	}
	shards, err := c.sls.Shards(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Verified, len(shards))
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i, s := range shards {
		g.Go(func() (err error) {
			out[i], err = c.verifyShard(within, s.ID, known[s.ID], from, up)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return out, err
	}
	if len(out) > 0 {
		out[0].Chained = chained
		out[0].Findings = append(out[0].Findings, found.Findings...)
	}
	if c.fn.Verify == nil {
		return out, nil
	}
	return out, c.fn.Verify(ctx, out)
}

func (c *Consumer) verifyShard(ctx context.Context, shard int, known []Stretch, from time.Time, up upTo) (Verified, error) {
	v := Verified{Shard: shard}
	begin, end, err := c.spanOf(ctx, shard, from, up.time)
	if err == nil && up.saved != nil {
		end, v.Until, err = c.passed(ctx, shard, up, known)
	}
	if err != nil || end == "" || number(begin) > number(end) {
		return v, err
	}
	where := fmt.Sprint("shard ", shard)
	add := func(kind, format string, args ...any) {
		v.Findings = append(v.Findings, receipt.Finding{Kind: kind, Where: where, Detail: fmt.Sprintf(format, args...)})
	}
	known = slices.DeleteFunc(known, func(s Stretch) bool { return number(s.To) <= number(begin) || number(s.From) >= number(end) })
	if len(known) == 0 {
		v.From, v.To = begin, begin
		if begin != end && (up.saved == nil || !from.IsZero()) { // else reading began at the checkpoint
			add(receipt.Behind, "%d LogGroups from cursor %s to %s: no receipt covers any of it", number(end)-number(begin), begin, end)
		}
		return v, nil
	}
	for _, r := range known {
		progress.Expect(ctx, r.In)
	}
	v.From = known[0].From
	if from.IsZero() { // logs older than the first run were not asked for
		begin = v.From
	}
	if number(v.From) > number(begin) {
		add(receipt.Gap, "%d LogGroups before cursor %s were never read", number(v.From)-number(begin), v.From)
	}
	v.To = v.From
	for _, r := range known {
		if gap := number(r.From) - number(v.To); gap > 0 {
			add(receipt.Gap, "%d LogGroups from cursor %s to %s: no receipt covers them", gap, v.To, r.From)
		}
		held, err := c.count(ctx, shard, r.From, r.To)
		if sls.IsInvalidCursor(err) {
			add(receipt.Unknown, "from cursor %s to %s: SLS keeps it no longer, so %d logs could not be counted again", r.From, r.To, r.In)
			held, err = r.In, nil
		}
		if err != nil {
			return v, err
		}
		if held != r.In {
			add(receipt.Missing, "from cursor %s to %s SLS holds %d logs, the receipt counts %d", r.From, r.To, held, r.In)
		}
		v.Held += held
		v.Receipts += r.In
		v.Accepted += r.Out
		v.Filtered += r.Filtered
		v.Quarantined += r.Quarantined
		if number(r.To) > number(v.To) {
			v.To = r.To
		}
	}
	if behind := number(end) - number(v.To); behind > 0 {
		add(receipt.Behind, "%d LogGroups from cursor %s on are not delivered yet", behind, v.To)
	}
	return v, nil
}

// count counts the logs between two cursors, by reading them.
func (c *Consumer) count(ctx context.Context, shard int, from, to string) (logs int64, err error) {
	for cursor := from; cursor != to; {
		page, err := c.sls.Pull(ctx, sls.PullRequest{Shard: shard, Cursor: cursor, End: to, Query: c.cfg.Query, ConsumeProcessor: c.cfg.Processor})
		if err != nil {
			return 0, err
		}
		var g sls.Group
		groups := page.Groups()
		before := logs
		for groups.Next(&g) {
			logs += int64(g.Logs)
		}
		progress.Add(ctx, logs-before)
		err, next := groups.Err(), page.Next
		page.Release()
		if err != nil {
			logs++ // as a run counts what it cannot read
		}
		if next == cursor {
			return logs, nil // nothing is left before to
		}
		cursor = next
	}
	return logs, nil
}
