package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// runFunction runs a function by a plain tick.
type runFunction struct {
	Follow time.Duration `help:"Run again and again, this long apart. As JSON a document a run, each in a line." placeholder:"5m"`
}

// Run implements the command; fn is that whose name it bears.
func (r *runFunction) Run(ctx context.Context, c *cli, fn *function) error {
	if r.Follow > 0 {
		ctx = c.untilUnread(ctx)
	}
	rt, err := c.runtime(ctx)
	if err != nil {
		return err
	}
	f, err := fn.new(ctx, envconfig.OsLookuper(), rt)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for {
		err := r.once(ctx, c, f, rt)
		if r.Follow <= 0 {
			return err
		}
		if printing := c.finish(err); printing != nil {
			return printing
		}
		if err != nil {
			c.note("siemfeed: %v", err)
		}
		if retry.Sleep(ctx, r.Follow) != nil {
			return serve.Unread(ctx) // else the operator ended it
		}
	}
}

func (r *runFunction) once(ctx context.Context, c *cli, f serve.Function, rt serve.Runtime) error {
	watched, stop := c.watch(ctx, "run", c.function.unit)
	rec, status, err := serve.Execute(watched, f, trigger.Event{Kind: trigger.Tick, Path: "command line"}, rt)
	stop()
	if rec == nil {
		return err
	}
	a := &runAnswer{Function: c.function.name, Receipt: rec}
	a.add(rec.Base())
	if shown := c.show(a); shown != nil {
		return shown
	}
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: run it again for the rest", rec.Base().Status)
	}
	return err
}

// runAnswer is what a run did.
type runAnswer struct {
	header
	// Function is the function that ran.
	Function functionName `json:"function"`
	totals
	// Receipt is what the run keeps in STATE_URL; null where it was --follow of a
	// function that consumes a logstore, which keeps many.
	Receipt receipt.Receipt `json:"receipt"`
}

func (r *runAnswer) kind() string { return "run" }
func (r *runAnswer) found() bool  { return false }

func (r *runAnswer) text(w io.Writer) {
	line := r.totals.String()
	if r.Receipt != nil {
		line = summary(r.Receipt.Base())
	}
	_, _ = fmt.Fprintln(w, line)
}

// serveFunction serves a function over HTTP until it is told to stop.
type serveFunction struct{ textOnly }

// Run implements the command.
func (serveFunction) Run(f *function) error {
	serve.Main(string(f.name), f.new)
	return nil
}
