package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// consumer is a function that consumes a logstore.
type consumer interface {
	checkable
	Follow(ctx context.Context, note func(receipt.Receipt)) error
	Status() []sls.ShardStatus
	Backfill(ctx context.Context, from, to time.Time, note func(receipt.Receipt)) error
	Verify(ctx context.Context, from, to time.Time) ([]consume.Verified, error)
	Pending(ctx context.Context, from, to time.Time) (receipt.FindingList, error)
	Replay(ctx context.Context, note func(object string, accepted int)) (consume.Replayed, error)
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
	Quiet  bool          `help:"Do not print the receipt as JSON."`
}

// Run implements the command.
func (r *runConsumer) Run(ctx context.Context, c *cli, fn *function) error {
	if !r.Follow {
		return (&runFunction{Quiet: r.Quiet}).Run(ctx, c, fn)
	}
	f, err := r.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	shown := make(chan struct{})
	watch, stop := context.WithCancel(ctx)
	go func() {
		defer close(shown)
		r.watch(watch, f)
	}()
	var total receipt.Core
	err = f.Follow(ctx, func(r receipt.Receipt) {
		s := r.Base()
		total.In += s.In
		total.Out += s.Out
		total.Filtered += s.Filtered
		total.Quarantined += s.Quarantined
	})
	stop()
	<-shown
	c.note("in %s = out %s + filtered %s + quarantined %s", count(total.In), count(total.Out), count(total.Filtered), count(total.Quarantined))
	return err
}

// watch shows the shards every second in place on a terminal, and now and then
// elsewhere.
func (r *runConsumer) watch(ctx context.Context, f consumer) {
	every, live := r.Every, term.IsTerminal(int(os.Stderr.Fd()))
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
			fmt.Fprintf(os.Stderr, "\033[%dA\033[J", lines) // back up over what was shown
		}
		shards := f.Status()
		table(os.Stderr, lagTable(shards))
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
	f, err := b.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var delivered int64
	err = f.Backfill(ctx, b.From, b.To, func(r receipt.Receipt) {
		delivered += r.Base().Out
		c.note("%s", summary(r.Base()))
	})
	c.note("%s delivered", count(delivered))
	if err != nil {
		return fmt.Errorf("backfill: %w; the same command goes on from here", err)
	}
	return nil
}

type verifyConsumer struct {
	open consumers

	From time.Time `help:"First receive time to look at; by default that of the first receipt."`
	To   time.Time `help:"First receive time after it; by default now."`
}

// Run implements the command.
func (v *verifyConsumer) Run(ctx context.Context, c *cli) error {
	f, err := v.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	list, err := f.Verify(ctx, v.From, v.To)
	if err != nil {
		return err
	}
	rejected, err := f.Pending(ctx, v.From, v.To)
	if err != nil {
		return err
	}
	return showShards(c.stdout, list, rejected.Findings...)
}

// showShards prints what a verification found, shard by shard, and the findings
// that are of no shard.
func showShards(w io.Writer, list []consume.Verified, more ...receipt.Finding) error {
	rows := [][]string{{"SHARD", "IN SLS", "RECEIPTS", "ACCEPTED", "FILTERED", "QUARANTINED", "FINDINGS"}}
	var sum consume.Verified
	row := func(name string, v consume.Verified) {
		rows = append(rows, []string{
			name, count(v.Held), count(v.Receipts), count(v.Accepted), count(v.Filtered), count(v.Quarantined), count(int64(len(v.Findings))),
		})
	}
	for _, v := range list {
		row(fmt.Sprint(v.Shard), v)
		sum.Held += v.Held
		sum.Receipts += v.Receipts
		sum.Accepted += v.Accepted
		sum.Filtered += v.Filtered
		sum.Quarantined += v.Quarantined
		sum.Findings = append(sum.Findings, v.Findings...)
	}
	row("all", sum)
	table(w, rows)
	return findings(w, append(sum.Findings, more...))
}

type replayConsumer struct{ open consumers }

// Run implements the command.
func (r *replayConsumer) Run(ctx context.Context, c *cli) error {
	f, err := r.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	done, err := f.Replay(ctx, func(object string, accepted int) {
		c.note("%s: %s accepted", object, count(int64(accepted)))
	})
	c.note("%s records accepted, %d objects done, %d kept", count(int64(done.Accepted)), done.Objects, len(done.Kept))
	for _, k := range done.Kept {
		_, _ = fmt.Fprintln(c.stdout, k)
	}
	if err == nil && len(done.Kept) > 0 {
		err = errFindings
	}
	return err
}
