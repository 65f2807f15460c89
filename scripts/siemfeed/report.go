package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/version"
)

type reportCmd struct {
	Functions []functionName `arg:"" optional:"" help:"Only these; else those that have something in STATE_URL."`
	From      time.Time      `help:"First day: a moment in it, a date, or a span before now such as 30d." default:"30d"`
	To        time.Time      `help:"Last day." default:"0s"`
	Out       string         `help:"File to write." default:"proof.html" type:"path"`
	Serve     bool           `help:"Show it on this machine instead of writing a file."`
	Port      int            `help:"Port on 127.0.0.1 to serve at; 0 picks a free one." default:"0"`
}

// Run implements the command.
func (r *reportCmd) Run(ctx context.Context) error {
	if err := known(r.Functions); err != nil {
		return err
	}
	if r.To.Before(r.From) {
		return fmt.Errorf("--to, %s, is before --from, %s", r.To.Format(time.RFC3339), r.From.Format(time.RFC3339))
	}
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	page, err := r.gather(ctx, kept)
	if err != nil {
		return err
	}
	var html bytes.Buffer
	if err := page.Write(&html); err != nil {
		return err
	}
	if r.Serve {
		l := listenFlags{Port: r.Port}
		return l.serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(html.Bytes()) // whoever asked may have gone
		}), func(url string) { fmt.Fprintln(os.Stderr, url) })
	}
	if err := os.WriteFile(r.Out, html.Bytes(), 0o600); err != nil {
		return err
	}
	path, err := filepath.Abs(r.Out)
	if err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}

// gather reads what the page is about: the functions that were named, or those
// that ran in its time or were looked at.
func (r *reportCmd) gather(ctx context.Context, kept *stateBuckets) (report.Page, error) {
	page := report.Page{Made: time.Now().UTC(), Version: version.String()}
	asked := r.Functions
	if len(asked) == 0 {
		asked = slices.Sorted(maps.Keys(functions))
	}
	for _, name := range asked {
		last := time.Now()
		f, err := report.Gather(ctx, kept.state, kept.rejected, string(name), r.From, r.To, func(n int) {
			if time.Since(last) >= 5*time.Second {
				last = time.Now()
				fmt.Fprintf(os.Stderr, "  %s: %s receipts read\n", name, count(int64(n)))
			}
		})
		if err != nil {
			return page, err
		}
		if len(r.Functions) > 0 || f.Totals.Runs > 0 || f.Pending.Objects > 0 {
			page.Functions = append(page.Functions, f)
		}
	}
	return page, nil
}
