package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// consumer is a function that consumes a logstore.
type consumer interface {
	checkable
	serve.Verifier
	Follow(ctx context.Context, note func(receipt.Receipt)) error
	Status() []sls.ShardStatus
	Backfill(ctx context.Context, from, to time.Time, note func(receipt.Receipt)) error
	Verify(ctx context.Context, from, to time.Time) ([]consume.Verified, error)
	Pending(ctx context.Context, from, to time.Time) (receipt.FindingList, error)
	Replay(ctx context.Context) (consume.Replayed, error)
}

// consumers builds a consumer from the environment.
type consumers func(ctx context.Context, c *cli) (consumer, error)

func consumersOf[F consumer](build builder[F]) consumers {
	return func(ctx context.Context, c *cli) (consumer, error) { return open(ctx, c, build) }
}

// runConsumer drains once, or follows.
type runConsumer struct {
	open consumers

	Follow bool          `help:"Go on for good, and show how far each shard is. MODE does not matter then."`
	Every  time.Duration `help:"How often to show it where the output is no terminal." default:"30s"`
}

// Run implements the command.
func (r *runConsumer) Run(ctx context.Context, c *cli, fn *function) error {
	if !r.Follow {
		return (&runFunction{}).Run(ctx, c, fn)
	}
	ctx = c.untilUnread(ctx)
	f, err := r.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	shown := make(chan struct{})
	watch, stop := context.WithCancel(ctx)
	go func() {
		defer close(shown)
		r.watch(watch, c, f)
	}()
	a := &runAnswer{Function: c.function.name}
	err = f.Follow(ctx, func(r receipt.Receipt) { a.add(r.Base()) })
	stop()
	<-shown
	if printing := c.show(a); printing != nil {
		return printing
	}
	return errors.Join(err, serve.Unread(ctx))
}

// watch shows the shards every second in place on a terminal, and now and then
// elsewhere.
func (r *runConsumer) watch(ctx context.Context, c *cli, f consumer) {
	every, live := r.Every, c.live
	if live {
		every = time.Second
	}
	t := time.NewTicker(max(every, 100*time.Millisecond))
	defer t.Stop()
	lines := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if live && lines > 0 {
			_, _ = fmt.Fprintf(c.stderr, "\033[%dA\033[J", lines) // back up over what was shown
		}
		shards := f.Status()
		table(c.stderr, lagTable(shards))
		lines = 1 + len(shards)
	}
}

func lagTable(shards []sls.ShardStatus) [][]string {
	rows := [][]string{{"SHARD", "LAG", "GROUPS", "READ", "CHECKPOINT"}}
	for _, s := range shards {
		lag := "-"
		switch {
		case s.CaughtUp:
			lag = "0s"
		case !s.Received.IsZero():
			lag = time.Since(s.Received).Round(time.Second).String()
		}
		rows = append(rows, []string{fmt.Sprint(s.Shard), lag, count(int64(s.Groups)), size(s.RawBytes), s.Checkpoint})
	}
	return rows
}

type backfillConsumer struct {
	open consumers

	From time.Time `required:"" help:"First receive time of the span: RFC 3339, a date, or a span before now such as 7d." placeholder:"2026-01-02T00:00:00Z"`
	To   time.Time `required:"" help:"First receive time after it."`
}

// Run implements the command.
func (b *backfillConsumer) Run(ctx context.Context, c *cli) error {
	if err := checkSpan(b.From, b.To); err != nil {
		return err
	}
	f, err := b.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	a := newBackfillAnswer(c.function.name)
	watched, stop := c.watch(ctx, "backfill", c.function.unit)
	err = f.Backfill(watched, b.From, b.To, func(r receipt.Receipt) { a.add(r) })
	stop()
	a.line = count(a.Out) + " delivered"
	return a.ended(c, err)
}

type verifyConsumer struct {
	open consumers

	From time.Time `help:"First receive time to look at; by default that of the first receipt."`
	To   time.Time `help:"First receive time after it; by default now."`
}

// Run implements the command.
func (v *verifyConsumer) Run(ctx context.Context, c *cli) error {
	if err := checkSpan(v.From, v.To); err != nil {
		return err
	}
	f, err := v.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	watched, stop := c.watch(ctx, "verify", c.function.unit)
	list, err := f.Verify(watched, v.From, v.To)
	stop()
	if err != nil {
		return err
	}
	rejected, err := f.Pending(ctx, v.From, v.To)
	if err != nil {
		return err
	}
	a := shardsVerified(c.function.name, list)
	a.Join(rejected)
	defer c.sumUp(ctx, f)
	return c.show(a)
}

// shard is what was looked at of a shard.
type shard struct {
	// Shard is its number.
	Shard int `json:"shard"`
	// From is the cursor at which was begun to look.
	From string `json:"from"`
	// To is the cursor up to which was looked.
	To string `json:"to"`
	// Held counts the logs in SLS.
	Held int64 `json:"in_sls"`
	// Receipts counts the logs that receipts say were read.
	Receipts int64 `json:"receipts"`
	// Accepted counts those of them that the receiver took.
	Accepted int64 `json:"accepted"`
	// Filtered counts those of them that were not to be delivered.
	Filtered int64 `json:"filtered"`
	// Quarantined counts those of them that were rejected.
	Quarantined int64 `json:"quarantined"`
	// Findings counts its findings; the verification has some that are of no
	// shard besides.
	Findings int64 `json:"findings"`
}

type shards []shard

func shardsVerified(name functionName, list []consume.Verified) *verifyAnswer {
	what := shards{}
	a := newVerifyAnswer(name, nil)
	for _, v := range list {
		what = append(what, shard{
			Shard: v.Shard, From: v.From, To: v.To, Held: v.Held, Receipts: v.Receipts,
			Accepted: v.Accepted, Filtered: v.Filtered, Quarantined: v.Quarantined, Findings: int64(len(v.Findings)),
		})
		a.Join(listOf(v.Findings))
		a.Receipts.add(v.Chained)
	}
	a.Checked = what
	return a
}

func (list shards) rows() [][]string {
	rows := [][]string{{"SHARD", "IN SLS", "RECEIPTS", "ACCEPTED", "FILTERED", "QUARANTINED", "FINDINGS"}}
	row := func(name string, s shard) {
		rows = append(rows, []string{
			name, count(s.Held), count(s.Receipts), count(s.Accepted), count(s.Filtered), count(s.Quarantined), count(s.Findings),
		})
	}
	var sum shard
	for _, s := range list {
		row(fmt.Sprint(s.Shard), s)
		sum.Held += s.Held
		sum.Receipts += s.Receipts
		sum.Accepted += s.Accepted
		sum.Filtered += s.Filtered
		sum.Quarantined += s.Quarantined
		sum.Findings += s.Findings
	}
	row("all", sum)
	return rows
}

func (shards) notes() []string { return nil }

func (list shards) any() bool {
	return slices.ContainsFunc(list, func(s shard) bool { return s.From != s.To })
}

type replayConsumer struct{ open consumers }

// Run implements the command.
func (r *replayConsumer) Run(ctx context.Context, c *cli) error {
	f, err := r.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	watched, stop := c.watch(ctx, "replay", c.function.unit)
	done, err := f.Replay(watched)
	stop()
	a := newReplayAnswer(c.function.name)
	a.Objects, a.Delivered, a.Left = int64(done.Objects), int64(done.Accepted), int64(len(done.Kept))
	a.Why = append(a.Why, done.Kept...)
	a.line = fmt.Sprintf("%s records accepted, %s done, %d kept", count(a.Delivered), plural(a.Objects, "object"), a.Left)
	return a.ended(c, err)
}
