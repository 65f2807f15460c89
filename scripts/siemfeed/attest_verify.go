package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/provenance"
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
		return v.release(c.stdout, sealed)
	}
	return v.delivery(ctx, c.stdout, sealed)
}

// delivery shows what the functions are attested to have done, and compares.
func (v *verifyAttest) delivery(ctx context.Context, w io.Writer, sealed attest.Sealed) error {
	var s attest.Statement
	if err := sealed.Statement(attest.PredicateType, &s); err != nil {
		return fmt.Errorf("%s: %w", v.File, err)
	}
	showStatement(w, s)
	if !v.Compare {
		return nil
	}
	list, err := compare(ctx, s)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		_, _ = fmt.Fprintln(w, "unchanged: every receipt is as it was attested")
		return nil
	}
	return findings(w, list)
}

// release shows what a release was built from, and compares its files.
func (v *verifyAttest) release(w io.Writer, sealed attest.Sealed) error {
	if v.Compare {
		return errors.New("--compare is about deliveries: the files of a release lie beside its provenance, or where --files says")
	}
	var s provenance.Statement
	if err := sealed.Statement(provenance.PredicateType, &s); err != nil {
		return fmt.Errorf("%s: %w", v.File, err)
	}
	b := s.Predicate.BuildDefinition
	_, _ = fmt.Fprintf(w, "siemfeed %s, built by %s from commit %s of %s, and signed with this key\n",
		b.ExternalParameters.Version, b.InternalParameters.Go, s.Commit(), b.ExternalParameters.Source)
	dir := v.Files
	if dir == "" {
		dir = filepath.Dir(v.File)
	}
	c, err := s.Check(dir)
	if err != nil {
		return err
	}
	for _, name := range c.Same {
		_, _ = fmt.Fprintf(w, "%s: as it was built\n", name)
	}
	switch {
	case len(c.Other) > 0:
		return findings(w, c.Other)
	case len(c.Same) == 0:
		return fmt.Errorf("nothing was checked: %s has none of the release's %d files", dir, len(c.Absent))
	case len(c.Absent) > 0:
		_, _ = fmt.Fprintf(w, "not here: %d other files of the release\n", len(c.Absent))
	}
	return nil
}
