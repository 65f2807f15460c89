package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// runFunction runs a function by a plain tick.
type runFunction struct {
	Follow time.Duration `help:"Run again and again, this long apart." placeholder:"5m"`
	Quiet  bool          `help:"Do not print the receipt as JSON."`
}

// Run implements the command.
func (r *runFunction) Run(ctx context.Context, c *cli, f *function) error {
	rt, err := c.runtime(ctx)
	if err != nil {
		return err
	}
	fn, err := f.new(ctx, envconfig.OsLookuper(), rt)
	if err != nil {
		return err
	}
	defer func() { _ = fn.Close() }()
	for {
		rec, status, err := serve.Execute(ctx, fn, trigger.Event{Kind: trigger.Tick, Path: "command line"}, rt)
		if rec != nil {
			if !r.Quiet {
				enc := json.NewEncoder(c.stdout)
				enc.SetIndent("", "  ")
				if err := enc.Encode(rec); err != nil {
					return err
				}
			}
			c.note("%s", summary(rec.Base()))
		}
		if r.Follow <= 0 {
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("%s: run it again for the rest", rec.Base().Status)
			}
			return err
		}
		if err != nil {
			c.note("siemfeed: %v", err)
		}
		if retry.Sleep(ctx, r.Follow) != nil {
			return nil // the operator ended it
		}
	}
}

// checkable is a function that can look whether it can do its work.
type checkable interface {
	serve.Function
	Doctor(ctx context.Context) []doctor.Check
}

// doctorFunction has a function look whether it can do its work.
type doctorFunction struct {
	open func(ctx context.Context, c *cli) (checkable, error)
}

func doctorOf[F checkable](build builder[F]) *doctorFunction {
	return &doctorFunction{func(ctx context.Context, c *cli) (checkable, error) { return open(ctx, c, build) }}
}

// Run implements the command.
func (d *doctorFunction) Run(ctx context.Context, c *cli) error {
	f, err := d.open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return checks(c.stdout, f.Doctor(ctx))
}

// serveFunction serves a function over HTTP until it is told to stop.
type serveFunction struct{}

// Run implements the command.
func (serveFunction) Run(f *function) error {
	serve.Main(string(f.name), f.new)
	return nil
}
