package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/delivery"
	"github.com/siemfeed/siemfeed/pkg/provenance"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
)

type verifyAttest struct {
	File    string `arg:"" help:"The attestation, or a release's provenance." type:"existingfile"`
	Public  string `required:"" help:"File with the public key, in PEM." type:"existingfile" placeholder:"FILE"`
	Compare bool   `help:"Compare with what lies in STATE_URL now."`
	Files   string `help:"Folder of the release's files; by default that of its provenance." type:"existingdir" placeholder:"DIR"`
}

// Run implements the command.
func (v *verifyAttest) Run(ctx context.Context, c *cli) error {
	key, err := attest.ReadPublic(v.Public)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(v.File)
	if err != nil {
		return err
	}
	sealed, err := attest.Unseal(ctx, text, key)
	if err != nil {
		return fmt.Errorf("%s: %w", v.File, err)
	}
	if sealed.PredicateType == provenance.PredicateType {
		return v.release(c, sealed)
	}
	return v.delivery(ctx, c, sealed)
}

// delivery shows what the functions are attested to have done, and compares.
func (v *verifyAttest) delivery(ctx context.Context, c *cli, sealed attest.Sealed) error {
	var s delivery.Statement
	if err := sealed.Statement(delivery.PredicateType, &s); err != nil {
		return fmt.Errorf("%s: %w", v.File, err)
	}
	if err := s.Check(); err != nil {
		return fmt.Errorf("%s: %w", v.File, err)
	}
	a := newAttestVerifyAnswer(s)
	if v.Compare {
		a.Compared = true
		list, err := compare(ctx, c, s)
		if err != nil {
			return err
		}
		a.FindingList = listOf(list)
	}
	return c.show(a)
}

// attestVerifyAnswer is what an attestation says that was signed with the key,
// and what has changed since.
type attestVerifyAnswer struct {
	header
	// Made is when it was signed.
	Made time.Time `json:"made"`
	// Version is the release of siemfeed that made it.
	Version string `json:"version"`
	// Functions are what it is about.
	Functions []spanSummary `json:"functions"`
	// Compared tells whether STATE_URL was looked at: without --compare only the
	// signature was checked, and there are no findings.
	Compared bool `json:"compared"`
	receipt.FindingList
}

func newAttestVerifyAnswer(s delivery.Statement) *attestVerifyAnswer {
	a := &attestVerifyAnswer{Made: s.Predicate.Made, Version: s.Predicate.Version, Functions: []spanSummary{}, FindingList: receipt.NewFindingList()}
	for _, f := range s.Predicate.Functions {
		one := spanSummary{
			Function: f.Function, From: f.From.Format(time.DateOnly), To: f.To.AddDate(0, 0, -1).Format(time.DateOnly),
			In: f.In, Delivered: f.Delivered, Filtered: f.Filtered, Quarantined: f.Quarantined, Runs: f.Runs, Failed: f.Failed, Days: days{},
		}
		for _, d := range f.Days {
			one.Days[d.Verdict]++
		}
		a.Functions = append(a.Functions, one)
	}
	return a
}

func (a *attestVerifyAnswer) kind() string { return "attest-verify" }
func (a *attestVerifyAnswer) found() bool  { return a.Found > 0 }

func (a *attestVerifyAnswer) text(w io.Writer) {
	writeFindings(w, a.FindingList)
	_, _ = fmt.Fprintf(w, "attested %s by siemfeed %s, and signed with this key\n", a.Made.Format(time.RFC3339), a.Version)
	rows := [][]string{{"FUNCTION", "FROM", "TO", "IN", "DELIVERED", "FILTERED", "QUARANTINED", "RUNS", "FAILED", "DAYS COMPLETE", "LATE", "GAP", "NOT LOOKED AT"}}
	for _, f := range a.Functions {
		row := []string{
			f.Function, f.From, f.To,
			count(f.In), count(f.Delivered), count(f.Filtered), count(f.Quarantined), count(int64(f.Runs)), count(int64(f.Failed)),
		}
		for _, verdict := range []report.Verdict{report.Complete, report.Late, report.Gap, report.Unseen} {
			row = append(row, count(int64(f.Days[verdict])))
		}
		rows = append(rows, row)
	}
	table(w, rows)
	switch {
	case a.found():
		_, _ = fmt.Fprintln(w, plural(a.Found, "finding"))
	case a.Compared:
		_, _ = fmt.Fprintln(w, "unchanged: every receipt is as it was attested")
	}
}

// compare names what changed in STATE_URL.
func compare(ctx context.Context, c *cli, s delivery.Statement) (list []receipt.Finding, err error) {
	kept, err := openState(ctx)
	if err != nil {
		return nil, err
	}
	defer kept.close()
	watched, stop := c.watch(ctx, "read", "days")
	defer stop()
	for i := range s.Predicate.Functions {
		name, span := s.Span(i)
		span.Progress = daysRead(watched)
		now, err := report.Gather(ctx, kept.state, kept.rejected, name, span)
		if err != nil {
			return nil, err
		}
		list = append(list, s.Compare(i, now)...)
	}
	return list, nil
}

// release shows what a release was built from, and compares its files.
func (v *verifyAttest) release(c *cli, sealed attest.Sealed) error {
	if v.Compare {
		return errors.New("--compare is about deliveries: the files of a release lie beside its provenance, or where --files says")
	}
	var s provenance.Statement
	if err := sealed.Statement(provenance.PredicateType, &s); err != nil {
		return fmt.Errorf("%s: %w", v.File, err)
	}
	b := s.Predicate.BuildDefinition
	dir := v.Files
	if dir == "" {
		dir = filepath.Dir(v.File)
	}
	checked, err := s.Check(dir)
	if err != nil {
		return err
	}
	a := &releaseAnswer{
		Version: b.ExternalParameters.Version, Go: b.InternalParameters.Go, Commit: s.Commit(), Source: b.ExternalParameters.Source,
		Same: append([]string{}, checked.Same...), Absent: append([]string{}, checked.Absent...), FindingList: receipt.NewFindingList(),
	}
	for _, o := range checked.Other {
		a.Find(receipt.Altered, o.Name, "its SHA-256 is %s, and was %s when it was built", o.Is, o.Was)
	}
	if shown := c.show(a); shown != nil {
		return shown
	}
	if len(a.Same) == 0 {
		return fmt.Errorf("nothing was checked: %s has none of the release's %d files", dir, len(a.Absent))
	}
	return nil
}

// releaseAnswer is what a release was built from, and whether its files are as
// they were built.
type releaseAnswer struct {
	header
	// Version is the release.
	Version string `json:"version"`
	// Go is the toolchain that built it.
	Go string `json:"go"`
	// Commit is what it was built from.
	Commit string `json:"commit"`
	// Source is the repository of the commit.
	Source string `json:"source"`
	// Same are the files that are as they were built.
	Same []string `json:"same"`
	// Absent are the files of the release that are not there.
	Absent []string `json:"absent"`
	receipt.FindingList
}

func (r *releaseAnswer) kind() string { return "attest-verify-release" }
func (r *releaseAnswer) found() bool  { return r.Found > 0 }

func (r *releaseAnswer) text(w io.Writer) {
	writeFindings(w, r.FindingList)
	_, _ = fmt.Fprintf(w, "siemfeed %s, built by %s from commit %s of %s, and signed with this key\n", r.Version, r.Go, r.Commit, r.Source)
	for _, name := range r.Same {
		_, _ = fmt.Fprintf(w, "%s: as it was built\n", name)
	}
	switch {
	case r.found():
		_, _ = fmt.Fprintln(w, plural(r.Found, "finding"))
	case len(r.Absent) > 0:
		_, _ = fmt.Fprintf(w, "not here: %d other files of the release\n", len(r.Absent))
	}
}
