package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/rollup"
	"github.com/siemfeed/siemfeed/pkg/version"
)

type attestCmd struct {
	Sign   signAttest   `cmd:"" default:"withargs" help:"Sign what the functions did in a span of days."`
	Verify verifyAttest `cmd:"" help:"Check an attestation, or a release's provenance, with the public key alone, and whether what it is about is unchanged."`
}

type signAttest struct {
	spanFlags
	Key      string `help:"File with the private key, Ed25519 in PEM." type:"existingfile" placeholder:"FILE"`
	Out      string `help:"File to write." default:"delivery.dsse.json" type:"path"`
	DaysOnly bool   `help:"Hash whole days instead of naming each receipt: smaller, but a change is found by the day."`
}

// keyVariable holds the private key where no file does.
const keyVariable = "SIEMFEED_ATTEST_KEY"

// Run implements the command.
func (a *signAttest) Run(ctx context.Context, c *cli) error {
	asked, err := c.asked(a.Functions)
	if err != nil {
		return err
	}
	key, err := a.key()
	if err != nil {
		return err
	}
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	// What is signed was read, all of it, by who signs.
	list, err := a.gather(ctx, kept, asked, rollup.Options{Reread: true, Each: !a.DaysOnly})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("no function has left anything in this time: there is nothing to attest")
	}
	text, err := attest.Seal(ctx, attest.Of(time.Now().UTC(), version.String(), list), key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(a.Out, append(text, '\n'), 0o600); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(c.stdout, a.Out)
	return nil
}

func (a *signAttest) key() (attest.Private, error) {
	key, err := attest.ReadPrivate(a.Key, keyVariable)
	if err != nil && a.Key == "" {
		err = fmt.Errorf("without --key: %w", err)
	}
	return key, err
}

func showStatement(w io.Writer, s attest.Statement) {
	_, _ = fmt.Fprintf(w, "attested %s by siemfeed %s, and signed with this key\n", s.Predicate.Made.Format(time.RFC3339), s.Predicate.Version)
	rows := [][]string{{"FUNCTION", "FROM", "TO", "IN", "DELIVERED", "FILTERED", "QUARANTINED", "RUNS", "FAILED", "DAYS COMPLETE", "LATE", "GAP", "NOT LOOKED AT"}}
	for _, f := range s.Predicate.Functions {
		row := []string{
			f.Function, f.From.Format(time.DateOnly), f.To.AddDate(0, 0, -1).Format(time.DateOnly),
			count(f.In), count(f.Delivered), count(f.Filtered), count(f.Quarantined), count(int64(f.Runs)), count(int64(f.Failed)),
		}
		for _, verdict := range []report.Verdict{report.Complete, report.Late, report.Gap, report.Unseen} {
			n := 0
			for _, d := range f.Days {
				if d.Verdict == verdict {
					n++
				}
			}
			row = append(row, count(int64(n)))
		}
		rows = append(rows, row)
	}
	table(w, rows)
}

// compare names what changed in STATE_URL.
func compare(ctx context.Context, s attest.Statement) (list []receipt.Finding, err error) {
	kept, err := openState(ctx)
	if err != nil {
		return nil, err
	}
	defer kept.close()
	for i := range s.Predicate.Functions {
		name, span := s.Span(i)
		span.Progress = toldNowAndThen(name)
		now, err := report.Gather(ctx, kept.state, kept.rejected, name, span)
		if err != nil {
			return nil, err
		}
		list = append(list, s.Compare(i, now)...)
	}
	return list, nil
}
