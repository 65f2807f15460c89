package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/delivery"
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
	DaysOnly bool   `help:"Hash whole days, which are over, instead of naming each receipt: smaller, but a change is found by the day."`
}

// keyVariable holds the private key where no file does.
const keyVariable = "SIEMFEED_ATTEST_KEY"

// Run implements the command.
func (a *signAttest) Run(ctx context.Context, c *cli) error {
	asked, err := c.asked(a.Functions)
	if err != nil {
		return err
	}
	if err := a.overOnly(time.Now()); err != nil {
		return err
	}
	key, err := a.key(c)
	if err != nil {
		return err
	}
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	// What is signed was read, all of it, by who signs.
	list, err := a.gather(ctx, c, kept, asked, rollup.Options{Reread: true, Each: !a.DaysOnly})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("no function has left anything in this time: there is nothing to attest")
	}
	text, err := attest.Seal(ctx, delivery.Of(time.Now().UTC(), version.String(), list), key)
	if err != nil {
		return err
	}
	if err := writeFile(a.Out, append(text, '\n')); err != nil {
		return err
	}
	answer := &attestAnswer{File: a.Out, Functions: []spanSummary{}}
	for _, f := range list {
		answer.Functions = append(answer.Functions, summaryOf(f))
	}
	return c.show(answer)
}

// overOnly leaves out the day that is not over where days are hashed: the next
// run changes it.
func (a *signAttest) overOnly(now time.Time) error {
	today := now.UTC().Truncate(24 * time.Hour)
	if !a.DaysOnly || a.To.Before(today) {
		return nil
	}
	if a.To = today.Add(-time.Nanosecond); a.To.Before(a.From) {
		return usageError{fmt.Errorf("--days-only: no day from %s on is over", a.From.Format(time.DateOnly))}
	}
	return nil
}

func (a *signAttest) key(c *cli) (attest.Private, error) {
	if a.Key == "" && os.Getenv(keyVariable) == "" {
		return attest.Private{}, cause.Mark(cause.Misconfigured, fmt.Errorf("no key to sign with: give --key FILE, or set %s; %w", keyVariable, attest.ErrKey))
	}
	key, err := attest.ReadPrivate(a.Key, keyVariable)
	if err == nil && a.Key != "" && attest.Exposed(a.Key) {
		c.note("%s may be read by others than its owner: chmod 600 it", a.Key)
	}
	return key, cause.Mark(cause.Misconfigured, err)
}

// attestAnswer is what was signed.
type attestAnswer struct {
	header
	// File is where the attestation was written.
	File string `json:"file"`
	// Functions are what it is about.
	Functions []spanSummary `json:"functions"`
}

func (a *attestAnswer) kind() string     { return "attest" }
func (a *attestAnswer) found() bool      { return false }
func (a *attestAnswer) text(w io.Writer) { _, _ = fmt.Fprintln(w, a.File) }
