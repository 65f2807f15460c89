package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/progress"
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
	Out      string    `help:"File to write." default:"proof.html" type:"path"`
	Serve    bool      `help:"Show it on this machine instead of writing a file."`
	Port     int       `help:"Port on 127.0.0.1 to serve at; 0 picks a free one." default:"0"`
	Receipts time.Time `help:"Print the receipts of this day of one function instead, as sha256sum does in their folder." placeholder:"DAY"`
	Reread   bool      `help:"Read every receipt, also of days that were summed up before."`
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
	if !r.Receipts.IsZero() {
		return r.receipts(ctx, c, kept)
	}
	list, err := r.gather(ctx, c, kept, asked, rollup.Options{Reread: r.Reread})
	if err != nil {
		return err
	}
	html, err := page(list)
	if err != nil {
		return err
	}
	for _, f := range list {
		if f.NotKept != nil {
			c.note("%s: what its days sum up to could not be kept in STATE_URL, so that the next report has to read every receipt again: %v", f.Name, f.NotKept)
		}
	}
	if r.Serve {
		if c.Output == outputJSON {
			return usageError{errors.New("--serve answers nothing: leave out --output json")}
		}
		l := listenFlags{Port: r.Port}
		return l.serve(ctx, report.Handler(html), func(url string) { c.note("%s", url) })
	}
	if err := writeFile(r.Out, html); err != nil {
		return err
	}
	path, err := filepath.Abs(r.Out)
	if err != nil {
		return err
	}
	a := &reportAnswer{File: path, Functions: []spanSummary{}, wrong: len(list) == 0}
	if len(list) == 0 {
		c.note("no function has left anything in this time in STATE_URL, %s", kept.state.URL)
	}
	for _, f := range list {
		a.Functions = append(a.Functions, summaryOf(f))
		told := f.Answer()
		c.note("%s: %s", f.Name, told.Text)
		a.wrong = a.wrong || told.Wrong()
	}
	return c.show(a)
}

// reportAnswer says what the proof page tells.
type reportAnswer struct {
	header
	// File is the page.
	File string `json:"file"`
	// Functions are those on the page.
	Functions []spanSummary `json:"functions"`

	wrong bool // something is missing or altered, nobody looked, or there is nothing
}

func (r *reportAnswer) kind() string     { return "report" }
func (r *reportAnswer) found() bool      { return r.wrong }
func (r *reportAnswer) text(w io.Writer) { _, _ = fmt.Fprintln(w, r.File) }

// spanSummary is what a function did in a span of days.
type spanSummary struct {
	// Function is its name.
	Function string `json:"function"`
	// From is the first day.
	From string `json:"from"`
	// To is the last day.
	To string `json:"to"`
	// In counts the records that were read: in = delivered + filtered + quarantined.
	In int64 `json:"in"`
	// Delivered counts those of them that were delivered.
	Delivered int64 `json:"delivered"`
	// Filtered counts those of them that were not to be delivered.
	Filtered int64 `json:"filtered"`
	// Quarantined counts those of them that were rejected.
	Quarantined int64 `json:"quarantined"`
	// Runs counts the runs.
	Runs int `json:"runs"`
	// Failed counts the runs that failed.
	Failed int `json:"failed"`
	// Days counts the days by what is known of them.
	Days days `json:"days"`
}

type days map[report.Verdict]int

func summaryOf(f report.Function) spanSummary {
	s := spanSummary{
		Function: f.Name, From: f.From.Format(time.DateOnly), To: f.To.AddDate(0, 0, -1).Format(time.DateOnly),
		In: f.Totals.In, Delivered: f.Totals.Delivered, Filtered: f.Totals.Filtered, Quarantined: f.Totals.Quarantined,
		Runs: f.Totals.Runs, Failed: f.Totals.Failed, Days: days{},
	}
	for _, d := range f.Days {
		s.Days[d.Verdict]++
	}
	return s
}

// receipts prints the receipts of a day, in the order of their names.
func (r *reportCmd) receipts(ctx context.Context, c *cli, kept *stateBuckets) error {
	if c.Output == outputJSON {
		return usageError{errors.New("--receipts prints what sha256sum does: leave out --output json")}
	}
	if len(r.Functions) != 1 {
		return usageError{errors.New("--receipts is about one function: name it")}
	}
	day := r.Receipts.Truncate(24 * time.Hour)
	d, err := rollup.NewReader(kept.state, string(r.Functions[0]), rollup.Options{Each: true}).Day(ctx, day)
	if err != nil {
		return err
	}
	if len(d.Receipts) == 0 {
		c.note("no receipt is kept of %s", day.Format(time.DateOnly))
	}
	for _, one := range d.Receipts {
		if _, err := fmt.Fprintf(c.stdout, "%s  %s\n", one.SHA256, one.Name); err != nil {
			return err
		}
	}
	return nil
}

// page makes the proof page.
func page(list []report.Function) ([]byte, error) {
	var html bytes.Buffer
	err := report.Page{Made: time.Now().UTC(), Version: version.String(), Functions: list}.Write(&html)
	return html.Bytes(), err
}

// mostSpan is the longest that is asked about, if it is not a slip of the hand.
const mostSpan = 10 * 366 * 24 * time.Hour

// gather reads what is kept of the functions called asked; where none was named,
// of those of them that ran in the span or have something in quarantine.
func (s *spanFlags) gather(ctx context.Context, c *cli, kept *stateBuckets, asked []functionName, o rollup.Options) (list []report.Function, err error) {
	switch {
	case s.To.Before(s.From):
		return nil, usageError{fmt.Errorf("--to, %s, is before --from, %s", moment(s.To), moment(s.From))}
	case s.To.Sub(s.From) > mostSpan:
		return nil, usageError{fmt.Errorf("--from, %s, to --to, %s, are more than ten years", moment(s.From), moment(s.To))}
	}
	watched, stop := c.watch(ctx, "read", "days")
	defer stop()
	for _, name := range asked {
		f, err := report.Gather(ctx, kept.state, kept.rejected, string(name), report.Span{
			From: s.From, To: s.To, Options: o, Progress: daysRead(watched),
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

// daysRead counts the days that are read of a function, which a reader says in
// all.
func daysRead(ctx context.Context) func(rollup.Progress) {
	var mu sync.Mutex
	var before rollup.Progress
	return func(p rollup.Progress) {
		mu.Lock()
		defer mu.Unlock()
		progress.Expect(ctx, int64(p.Of-before.Of))
		progress.Add(ctx, int64(p.Days-before.Days))
		before = p
	}
}
