package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/receipt"
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
	return c.Output == outputText && isTerminal(c.stdout)
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

func count(n int64) string { return progress.Count(n) }

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
