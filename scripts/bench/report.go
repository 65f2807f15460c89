package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/rollup"
	"github.com/siemfeed/siemfeed/pkg/rollup/rolluptest"
)

func reportSuite() suite {
	return suite{
		name: "report", floor: reportOnce,
		cases: []benchCase{{"million", "the proof page of a year of 1,000,000 receipts, 40 ms a request once they are rolled up", reportMillion}},
	}
}

// The year: a run every half minute and more.
const (
	reportDays = 365
	reportRuns = 2740
	reportWait = 40 * time.Millisecond
)

// reported is what a process tells of the report that it made.
type reported struct {
	Receipts            int
	Took                time.Duration
	Page                int // bytes
	Reads, Lists, Saved int64
}

// reportMillion makes the page twice, by a process each: the first reads every
// receipt and sums them up, the second reads the sums.
func reportMillion(ctx context.Context, t *table) error {
	dir, err := os.MkdirTemp("", "siemfeed-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	env := map[string]string{"REPORT_STATE": filepath.Join(dir, "state.json"), "REPORT_TOLD": filepath.Join(dir, "told.json")}
	report := func() (told reported, u usage, err error) {
		p, err := self(ctx, dir, env, "report", "floor")
		if err != nil {
			return told, u, err
		}
		defer p.kill()
		if u, err = p.wait(); err != nil {
			return told, u, err
		}
		text, err := os.ReadFile(env["REPORT_TOLD"])
		if err != nil {
			return told, u, err
		}
		return told, u, json.Unmarshal(text, &told)
	}
	first, usedFirst, err := report()
	if err != nil {
		return err
	}
	again, usedAgain, err := report()
	if err != nil {
		return err
	}
	if n := reportDays * reportRuns; first.Receipts != n || again.Receipts != n {
		return fmt.Errorf("the pages are of %d and %d receipts, want %d", first.Receipts, again.Receipts, n)
	}
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	requests := func(r reported) string { return fmt.Sprintf("%d reads, %d lists", r.Reads, r.Lists) }
	t.add("every receipt read, no latency", seconds(first.Took))
	t.add("… requests", requests(first))
	t.add("… peak RSS", mib(usedFirst.PeakRSS))
	t.add("rolled up, 40 ms a request", seconds(again.Took)).want("≤ 10 s", again.Took <= 10*time.Second)
	t.add("… requests", requests(again)).against(requests(first), float64(again.Reads+again.Lists)/float64(first.Reads+first.Lists))
	t.add("… peak RSS", mib(usedAgain.PeakRSS)).want("≤ 128 MiB", usedAgain.PeakRSS <= 128<<20)
	t.add("page of one function", fmt.Sprintf("%d KB", again.Page/1000)).want("≤ 500 KB", again.Page <= 500_000)
	return nil
}

// reportOnce makes the page from what an earlier process has left, and leaves
// what it kept itself.
func reportOnce(ctx context.Context) error {
	from := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	s := rolluptest.Store{Function: "slshec", First: from, Days: reportDays, Runs: reportRuns}
	b := s.Bucket()
	path := os.Getenv("REPORT_STATE")
	if err := restore(ctx, b, path); err == nil {
		s.Wait = reportWait
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	s.Calls()
	began := time.Now()
	f, err := report.Gather(ctx, b, b, s.Function, report.Span{From: from, To: from.AddDate(0, 0, reportDays-1)})
	if err != nil {
		return err
	}
	var html bytes.Buffer
	if err := (report.Page{Made: began, Functions: []report.Function{f}}).Write(&html); err != nil {
		return err
	}
	told := reported{Receipts: f.Totals.Runs, Took: time.Since(began), Page: html.Len()}
	told.Reads, told.Lists, told.Saved = s.Calls()
	text, err := json.Marshal(told)
	if err != nil {
		return err
	}
	s.Wait = 0
	return errors.Join(os.WriteFile(os.Getenv("REPORT_TOLD"), text, 0o600), dump(ctx, b, s.Function, path)) //nolint:gosec // the caller names it
}

// dump writes the roll-ups in b to a file, and restore reads them back.
func dump(ctx context.Context, b *bucket.Bucket, function, path string) error {
	keys, err := b.Keys(ctx, rollup.Folder(function))
	if err != nil {
		return err
	}
	all := map[string][]byte{}
	for _, key := range keys {
		if all[key], err = b.ReadAll(ctx, key); err != nil {
			return err
		}
	}
	text, err := json.Marshal(all)
	return errors.Join(err, os.WriteFile(path, text, 0o600))
}

func restore(ctx context.Context, b *bucket.Bucket, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var all map[string][]byte
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	for key, text := range all {
		if err := b.WriteAll(ctx, key, text, nil); err != nil {
			return err
		}
	}
	return nil
}
