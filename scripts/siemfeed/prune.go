package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/prune"
)

type pruneCmd struct {
	Muleaudit pruneFunction `cmd:"" help:"Receipts, verifications, the state of slices, quarantine that was seen to."`
	Gunzipcsv pruneFunction `cmd:"" help:"Receipts, verifications, manifests, quarantine that was seen to."`
	Slshec    pruneFunction `cmd:"" help:"Receipts, verifications, quarantine that was seen to."`
	Trailtags pruneFunction `cmd:"" help:"Receipts, verifications, quarantine that was seen to."`
}

// pruneFunction removes old proof of a function.
type pruneFunction struct {
	Keep   span `required:"" help:"Remove what is older; a week at least." placeholder:"400d"`
	DryRun bool `help:"Only say what would be removed."`
}

// Run implements the command; name is the function's.
func (p *pruneFunction) Run(ctx context.Context, c *cli, name functionName) error {
	rt, err := c.runtime(ctx)
	if err != nil {
		return err
	}
	fn, err := functions[name].new(ctx, envconfig.OsLookuper(), rt)
	if err != nil {
		return err
	}
	defer func() { _ = fn.Close() }()
	f, ok := fn.(prune.Pruner)
	if !ok {
		return errors.New("this function keeps nothing that grows")
	}
	said := now{every: 5 * time.Second}
	r, err := f.Prune(ctx, prune.Options{Keep: time.Duration(p.Keep), DryRun: p.DryRun, Progress: func(n int64) {
		said.then(func() { fmt.Fprintf(os.Stderr, "  %s objects so far\n", count(n)) })
	}})
	showPruned(r, p.DryRun)
	if err != nil {
		return fmt.Errorf("prune: %w; the same command goes on from here", err)
	}
	return nil
}

// now does something now and then.
type now struct {
	mu    sync.Mutex
	every time.Duration
	last  time.Time
}

func (n *now) then(do func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last.IsZero() {
		n.last = time.Now()
	}
	if time.Since(n.last) >= n.every {
		n.last = time.Now()
		do()
	}
}

func showPruned(r prune.Report, dry bool) {
	removed := "REMOVED"
	if dry {
		removed = "WOULD BE REMOVED"
	}
	rows := [][]string{{"OLDER THAN " + r.Before.Format(time.DateOnly), removed, "BYTES", "KEPT"}}
	for _, l := range r.Lines {
		kept := ""
		if l.Kept > 0 {
			kept = count(l.Kept) + ": " + l.Why
		}
		rows = append(rows, []string{l.What, count(l.Objects), size(l.Bytes), kept})
	}
	table(os.Stdout, rows)
}
