package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

func muleauditFunction() function {
	return function{
		name:      "muleaudit",
		new:       muleaudit.New,
		variables: config.Variables[muleaudit.Config](),
		demo:      demoMuleaudit,

		run:      command{"MuleSoft audit logs to a bucket.", &runFunction{}},
		backfill: command{"MuleSoft audit logs of a span of time.", &backfillMuleaudit{}},
		verify:   command{"Receipts, objects and the API's totals.", &verifyMuleaudit{}},
		doctor:   command{"Token, scopes, clock and buckets.", doctorOf(muleaudit.Open)},
		replay:   command{"Says how entries that were rejected are delivered.", &replayMuleaudit{}},
		prune:    command{"Receipts, verifications, the state of slices, quarantine that was seen to.", pruneOf(muleaudit.Open)},
	}
}

type backfillMuleaudit struct {
	From time.Time `required:"" help:"First moment of the span: RFC 3339, a date, or a span before now such as 7d." placeholder:"2026-01-02T00:00:00Z"`
	To   time.Time `required:"" help:"First moment after it."`
}

// Run implements the command.
func (b *backfillMuleaudit) Run(ctx context.Context, c *cli) error {
	f, err := open(ctx, c, muleaudit.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	bar := newProgress("backfill", int64(b.To.Sub(b.From)/time.Minute))
	var events, objects int64
	err = f.Backfill(ctx, b.From, b.To, func(r *muleaudit.Receipt, reached time.Time) {
		events += r.Out
		for _, o := range r.Orgs {
			objects += int64(len(o.Objects))
		}
		bar.set(int64(reached.Sub(b.From) / time.Minute))
	})
	bar.finish()
	c.note("%s events in %s objects", count(events), count(objects))
	if err != nil {
		return fmt.Errorf("backfill: %w; the same command goes on from here", err)
	}
	return nil
}

type verifyMuleaudit struct {
	From        time.Time `help:"Begin here, RFC 3339."`
	To          time.Time `help:"End here instead of before what the next run looks at again."`
	Last        span      `help:"Without --from, begin this long before the end." default:"7d"`
	FeedDeletes bool      `help:"The SIEM's feed deletes objects it has read: a missing one is no finding."`
	Deep        bool      `help:"Read every object, and every entry from the API again, and look for each, instead of comparing sizes, stored hashes and totals."`
}

// Run implements the command.
func (v *verifyMuleaudit) Run(ctx context.Context, c *cli) error {
	f, err := open(ctx, c, muleaudit.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	bar := newTimeProgress("verify")
	list, err := f.Verify(ctx, muleaudit.VerifyOptions{
		From: v.From, To: v.To, Last: time.Duration(v.Last), Deleted: v.FeedDeletes, Deep: v.Deep, Progress: bar.set,
	})
	bar.finish()
	if err != nil {
		return err
	}
	return showVerified(c.stdout, list)
}

func showVerified(w io.Writer, list []muleaudit.Verified) error {
	rows := [][]string{{"ORGANISATION", "FROM", "TO", "SLICES", "OBJECTS", "READ", "EVENTS", "API TOTAL", "FINDINGS"}}
	all := receipt.NewFindingList()
	for _, o := range list {
		rows = append(rows, []string{
			o.Org, o.From.Format(time.RFC3339), o.To.Format(time.RFC3339), count(int64(o.Slices)),
			count(int64(o.Objects)), count(int64(o.Read)), count(o.Events), count(o.APITotal), count(o.Found),
		})
		all.Join(o.FindingList)
	}
	table(w, rows)
	for _, o := range list {
		for _, left := range o.Left {
			_, _ = fmt.Fprintf(w, "not looked at: %s %s\n", o.Org, left)
		}
		if o.Gone > 0 {
			_, _ = fmt.Fprintf(w, "not looked at: %s %s objects that are there no more\n", o.Org, count(int64(o.Gone)))
		}
		if o.Accepted > 0 {
			_, _ = fmt.Fprintf(w, "%s: %s entries in quarantine were accepted as lost\n", o.Org, count(o.Accepted))
		}
		if o.Forgotten > 0 {
			_, _ = fmt.Fprintf(w, "%s: the API has %s entries no longer that it sent once\n", o.Org, count(o.Forgotten))
		}
	}
	return findingList(w, all)
}
