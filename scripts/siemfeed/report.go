package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/rollup"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// spanFlags say what a report is about.
type spanFlags struct {
	Functions []functionName `arg:"" optional:"" help:"Only these; else those that have something in STATE_URL."`
	From      time.Time      `help:"First day: a moment in it, a date, or a span before now such as 30d." default:"30d"`
	To        time.Time      `help:"Last day." default:"0s"`
}

type reportCmd struct {
	spanFlags
	Out   string `help:"File to write." default:"proof.html" type:"path"`
	Serve bool   `help:"Show it on this machine instead of writing a file."`
	Port  int    `help:"Port on 127.0.0.1 to serve at; 0 picks a free one." default:"0"`
}

// Run implements the command.
func (r *reportCmd) Run(ctx context.Context, c *cli) error {
	asked, err := c.asked(r.Functions)
	if err != nil {
		return err
	}
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	html, err := r.page(ctx, kept, asked)
	if err != nil {
		return err
	}
	if r.Serve {
		l := listenFlags{Port: r.Port}
		return l.serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write(html) // whoever asked may have gone
		}), func(url string) { c.note("%s", url) })
	}
	if err := os.WriteFile(r.Out, html, 0o600); err != nil {
		return err
	}
	path, err := filepath.Abs(r.Out)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(c.stdout, path)
	return nil
}

// page makes the proof page.
func (s *spanFlags) page(ctx context.Context, kept *stateBuckets, asked []functionName) ([]byte, error) {
	list, err := s.gather(ctx, kept, asked, rollup.Options{})
	if err != nil {
		return nil, err
	}
	var html bytes.Buffer
	err = report.Page{Made: time.Now().UTC(), Version: version.String(), Functions: list}.Write(&html)
	return html.Bytes(), err
}

// gather reads what is kept of the functions called asked; where none was named,
// of those of them that ran in the span or have something in quarantine.
func (s *spanFlags) gather(ctx context.Context, kept *stateBuckets, asked []functionName, o rollup.Options) (list []report.Function, err error) {
	if s.To.Before(s.From) {
		return nil, fmt.Errorf("--to, %s, is before --from, %s", s.To.Format(time.RFC3339), s.From.Format(time.RFC3339))
	}
	for _, name := range asked {
		o.Progress = toldNowAndThen(string(name))
		f, err := report.Gather(ctx, kept.state, kept.rejected, string(name), report.Span{
			From: s.From, To: s.To, Options: o,
		})
		if err != nil {
			return nil, err
		}
		if len(s.Functions) > 0 || f.Totals.Runs > 0 || f.Pending.Objects > 0 {
			list = append(list, f)
		}
	}
	return list, nil
}

// toldNowAndThen tells how many receipts of a function are read.
func toldNowAndThen(name string) func(int) {
	last := time.Now()
	return func(n int) {
		if time.Since(last) >= 5*time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "  %s: %s receipts read\n", name, count(int64(n)))
		}
	}
}
