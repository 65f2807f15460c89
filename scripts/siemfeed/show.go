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

// onTerminal tells whether answers are read by people as they come.
func (c *cli) onTerminal() bool {
	f, ok := c.stdout.(*os.File)
	return ok && c.Output == outputText && term.IsTerminal(int(f.Fd()))
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
