package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// prunable is a function whose old proof can be removed.
type prunable interface {
	serve.Function
	prune.Pruner
}

// pruneFunction removes old proof of a function.
type pruneFunction struct {
	open func(ctx context.Context, c *cli) (prunable, error)

	Keep   span `required:"" help:"Remove what is older; a week at least." placeholder:"400d"`
	DryRun bool `help:"Only say what would be removed."`
}

func pruneOf[F prunable](build builder[F]) *pruneFunction {
	return &pruneFunction{open: func(ctx context.Context, c *cli) (prunable, error) { return open(ctx, c, build) }}
}

// Run implements the command.
func (p *pruneFunction) Run(ctx context.Context, c *cli) error {
	f, err := p.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	watched, stop := c.watch(ctx, "prune", "objects")
	r, err := f.Prune(watched, prune.Options{Keep: time.Duration(p.Keep), DryRun: p.DryRun})
	stop()
	if r.Before.IsZero() { // it was not begun
		return err
	}
	r.Lines = append([]prune.Line{}, r.Lines...)
	a := &pruneAnswer{Function: c.function.name, DryRun: p.DryRun, Report: r}
	if shown := c.show(a); shown != nil {
		return shown
	}
	if err != nil {
		return fmt.Errorf("prune: %w; the same command goes on from here", err)
	}
	return nil
}

// pruneAnswer is what was removed, or would be.
type pruneAnswer struct {
	header
	// Function is the function whose proof it is.
	Function functionName `json:"function"`
	// DryRun tells that nothing was removed: it was only counted.
	DryRun bool `json:"dry_run"`
	prune.Report
}

func (p *pruneAnswer) kind() string { return "prune" }
func (p *pruneAnswer) found() bool  { return false }

func (p *pruneAnswer) text(w io.Writer) {
	removed := "REMOVED"
	if p.DryRun {
		removed = "WOULD BE REMOVED"
	}
	rows := [][]string{{"OLDER THAN " + p.Before.Format(time.DateOnly), removed, "BYTES", "KEPT"}}
	for _, l := range p.Lines {
		kept := ""
		if l.Kept > 0 {
			kept = count(l.Kept) + ": " + l.Why
		}
		rows = append(rows, []string{l.What, count(l.Objects), size(l.Bytes), kept})
	}
	table(w, rows)
}
