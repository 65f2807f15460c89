package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/status"
)

type statusCmd struct {
	Functions []functionName `arg:"" optional:"" help:"Only these; else those that have something in STATE_URL."`
	Watch     bool           `help:"Show it again every few seconds. As JSON a document each time, in a line."`
}

// watchEvery is how often a status is shown again.
const watchEvery = 5 * time.Second

// Run implements the command.
func (s *statusCmd) Run(ctx context.Context, c *cli) error {
	asked, err := c.asked(s.Functions)
	if err != nil {
		return err
	}
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	for {
		list, err := s.read(ctx, kept, asked)
		if err != nil {
			return err
		}
		if s.Watch && c.onTerminal() {
			_, _ = io.WriteString(c.stdout, "\033[H\033[2J")
		}
		err = c.show(&statusAnswer{Functions: list, now: time.Now(), url: kept.state.URL})
		if !s.Watch || err != nil && !errors.Is(err, errFindings) {
			return err
		}
		if err := c.finish(err); err != nil {
			return err
		}
		if retry.Sleep(ctx, watchEvery) != nil {
			return nil // the operator ended it
		}
	}
}

// statusAnswer is how the functions fare.
type statusAnswer struct {
	header
	// Functions are those that were asked about, or that have left anything.
	Functions []status.Function `json:"functions"`

	now time.Time
	url string // of the state
}

func (s *statusAnswer) kind() string { return "status" }

// found tells whether there is anything to be done.
func (s *statusAnswer) found() bool {
	return slices.ContainsFunc(s.Functions, func(f status.Function) bool { return len(f.Next) > 0 })
}

func (s *statusAnswer) text(w io.Writer) {
	if len(s.Functions) == 0 {
		_, _ = fmt.Fprintf(w, "no function has left anything yet in STATE_URL, %s\n", s.url)
		return
	}
	showStatus(w, s.Functions, s.now)
}

// read reads how the functions called asked fare; where none was named, those of
// them that have left anything.
func (s *statusCmd) read(ctx context.Context, kept *stateBuckets, asked []functionName) ([]status.Function, error) {
	list := make([]status.Function, len(asked))
	now := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	for i, name := range asked {
		g.Go(func() (err error) {
			list[i], err = status.Read(gctx, kept.state, kept.rejected, string(name), now)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if len(s.Functions) == 0 {
		list = slices.DeleteFunc(list, func(f status.Function) bool {
			return f.Last == nil && f.Proof == nil && f.Pending.Objects == 0
		})
	}
	return list, nil
}

// mostSources is how many of a function's sources are shown, the furthest
// behind.
const mostSources = 8

// showStatus prints what is to be done first, then the table.
func showStatus(w io.Writer, list []status.Function, now time.Time) {
	for _, f := range list {
		for _, next := range f.Next {
			_, _ = fmt.Fprintf(w, "%s: %s\n", f.Function, next)
		}
	}
	rows := [][]string{{"FUNCTION", "LAST RUN", "STATUS", "LAST SUCCESS", "LAG", "UP TO", "IN QUARANTINE", "LAST PROOF", "FINDINGS"}}
	for _, f := range list {
		rows = append(rows, row(f, now))
		if f.Last != nil && len(f.Last.Lags) > 1 {
			rows = append(rows, sources(f.Last.Lags, f.Reached)...)
		}
	}
	table(w, rows)
}

func row(f status.Function, now time.Time) []string {
	cells := []string{f.Function, "never", "-", "-", "-", "-", pendingCell(f.Pending), "never", "-"}
	if l := f.Last; l != nil {
		cells[1], cells[2] = ago(l.StartedAt, now), string(l.Status)
		if l.LagSeconds != nil {
			cells[4] = seconds(*l.LagSeconds)
		}
		if len(f.Reached) > 0 {
			cells[5] = moment(slices.MinFunc(slices.Collect(maps.Values(f.Reached)), time.Time.Compare))
		}
	}
	switch {
	case f.Success != nil:
		cells[3] = ago(*f.Success, now)
	case f.SuccessBefore != nil:
		cells[3] = "before " + ago(*f.SuccessBefore, now)
	}
	if p := f.Proof; p != nil {
		cells[7], cells[8] = ago(p.Time, now), count(p.Findings)
	}
	return cells
}

// sources are rows of the sources that are furthest behind.
func sources(lags map[string]float64, reached map[string]time.Time) (rows [][]string) {
	names := slices.SortedFunc(maps.Keys(lags), func(a, b string) int {
		if lags[a] != lags[b] {
			if lags[a] > lags[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names[:min(len(names), mostSources)] {
		rows = append(rows, []string{"  " + name, "", "", "", seconds(lags[name]), moment(reached[name])})
	}
	if more := len(names) - mostSources; more > 0 {
		rows = append(rows, []string{fmt.Sprintf("  and %d less behind", more)})
	}
	return rows
}

// pendingCell counts objects, and says what their records were rejected for.
func pendingCell(p status.Pending) string {
	if p.Objects == 0 {
		return "0"
	}
	n := count(int64(p.Objects))
	if p.More {
		n += "+"
	}
	var codes []string
	for _, code := range slices.SortedFunc(maps.Keys(p.Codes), func(a, b string) int { return p.Codes[b] - p.Codes[a] }) {
		codes = append(codes, fmt.Sprintf("%s×%d", code, p.Codes[code]))
	}
	if p.Read < p.Objects {
		codes = append(codes, "…")
	}
	return n + " (" + strings.Join(codes, ", ") + ")"
}

// moment writes a time, and that there is none as a dash.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// ago writes how long ago t was. A clock that is ahead puts it in the future.
func ago(t, now time.Time) string {
	if d := now.Sub(t); d > -time.Minute {
		return roughly(max(d, 0)) + " ago"
	}
	return roughly(t.Sub(now)) + " ahead"
}

func seconds(s float64) string { return roughly(time.Duration(s * float64(time.Second))) }

// roughly writes a span in the unit that is of use.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
