package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
)

// table prints rows in columns; the first row is the heading.
func table(w io.Writer, rows [][]string) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(tw, "  "+strings.Join(row, "\t"))
	}
	_ = tw.Flush()
}

// progress is a bar on a terminal, and a line now and then elsewhere.
type progress struct {
	bar   *progressbar.ProgressBar
	label string
	total int64
	last  time.Time
}

func newProgress(label string, total int64) *progress {
	p := &progress{label: label, total: total, last: time.Now()}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription("  "+label),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(50*time.Millisecond))
	}
	return p
}

func (p *progress) set(n int64) {
	if p.bar != nil {
		_ = p.bar.Set64(min(n, p.total))
		return
	}
	if time.Since(p.last) >= 5*time.Second {
		p.last = time.Now()
		_, _ = fmt.Fprintf(os.Stderr, "  %s: %d of %d\n", p.label, n, p.total)
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// timeProgress is the progress of what covers a span of time.
type timeProgress struct {
	mu    sync.Mutex
	label string
	bar   *progress // begun when the whole is known
}

func newTimeProgress(label string) *timeProgress { return &timeProgress{label: label} }

func (p *timeProgress) set(done, total time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		p.bar = newProgress(p.label+" (minutes)", int64(total/time.Minute))
	}
	p.bar.set(int64(done / time.Minute))
}

func (p *timeProgress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.finish()
	}
}

// size writes bytes for people.
func size(n int64) string {
	f := float64(n)
	for _, unit := range []string{"B", "KB", "MB", "GB"} {
		if f < 1000 || unit == "GB" {
			if unit == "B" {
				return fmt.Sprintf("%d B", n)
			}
			return fmt.Sprintf("%.1f %s", f, unit)
		}
		f /= 1000
	}
	return ""
}

func count(n int64) string { return report.Count(n) }

// summary is the line every run ends with.
func summary(c *receipt.Core) string {
	line := fmt.Sprintf("%s %s: in %s = out %s + filtered %s + quarantined %s; %s in, %s out, %d retries, %v",
		c.Function, c.Status, count(c.In), count(c.Out), count(c.Filtered), count(c.Quarantined),
		size(c.BytesIn), size(c.BytesOut), c.Retries, c.FinishedAt.Sub(c.StartedAt).Round(time.Millisecond))
	for _, r := range c.Remaining {
		line += "\n  remaining: " + r
	}
	if c.Trouble != "" {
		line += "\n  trouble on the way: " + c.Trouble
	}
	return line
}

// checks prints the outcome of a doctor and returns errFindings if any failed.
func checks(w io.Writer, list []doctor.Check) error {
	failed := 0
	for _, c := range list {
		if c.OK() {
			_, _ = fmt.Fprintf(w, "ok    %s: %s\n", c.Name, c.Detail)
			continue
		}
		failed++
		_, _ = fmt.Fprintf(w, "FAIL  %s: %v; fix: %s\n", c.Name, c.Problem, c.Fix)
	}
	if failed > 0 {
		_, _ = fmt.Fprintf(w, "%d of %d checks failed\n", failed, len(list))
		return errFindings
	}
	_, _ = fmt.Fprintf(w, "all %d checks passed\n", len(list))
	return nil
}

// findingList prints what a verification found, of what is too much only the
// first, and returns errFindings if that is anything.
func findingList(w io.Writer, l receipt.FindingList) error {
	err := findings(w, l.Findings)
	if more := l.Found - int64(len(l.Findings)); more > 0 {
		_, _ = fmt.Fprintf(w, "and %s findings more\n", count(more))
		err = errFindings
	}
	return err
}

// findings prints what a verification found, and returns errFindings if that
// is anything.
func findings(w io.Writer, list []receipt.Finding) error {
	if len(list) == 0 {
		_, _ = fmt.Fprintln(w, "complete: nothing is missing, altered or unread")
		return nil
	}
	for _, f := range list {
		_, _ = fmt.Fprintf(w, "%-11s  %s: %s\n", strings.ToUpper(f.Kind), f.Where, f.Detail)
	}
	_, _ = fmt.Fprintf(w, "%d findings\n", len(list))
	return errFindings
}
