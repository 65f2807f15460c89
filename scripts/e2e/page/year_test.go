//go:build browser

package page

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/rollup/rolluptest"
)

// year gathers a year of four functions, rolled up: however many receipts there
// are, the page is the same.
func year(t *testing.T) (list []report.Function, in int64) {
	t.Helper()
	const runs = 4
	from := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, name := range []string{"gunzipcsv", "muleaudit", "slshec", "trailtags"} {
		s := rolluptest.Store{Function: name, First: from, Days: 365, Runs: runs}
		b := s.Bucket()
		for day := range 365 {
			at := from.AddDate(0, 0, day+1).Add(3 * time.Hour)
			v := receipt.NewVerified()
			v.From, v.To = at.Add(-28*time.Hour), at.Add(-2*time.Hour)
			if err := b.PutJSON(t.Context(), name+"/verify/"+at.Format("2006/01/02/20060102T150405.000")+"-X.json", receipt.Verification{Function: name, Verify: v}); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			f, err := report.Gather(t.Context(), b, b, name, report.Span{From: from, To: from.AddDate(0, 0, 364)})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(list); n > 0 && list[n-1].Name == name {
				list = list[:n-1]
			}
			list = append(list, f)
		}
	}
	s := rolluptest.Store{Function: "slshec", Runs: runs}
	for i := range runs {
		in += 365 * s.Receipt(from, i).In
	}
	return list, in
}

// A year of four functions is a page to work with: small, and there in a time
// that a bare table of as many cells takes too.
func TestYear(t *testing.T) {
	list, in := year(t)
	path := write(t, report.Page{Made: time.Now(), Version: "v1.0.0", Functions: list})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, path)
	if got := b.eval(t, `document.querySelector('[data-totals="slshec"] [data-total="in"]').innerText.replaceAll(",", "")`); got != strconv.FormatInt(in, 10) {
		t.Errorf("in %s, want %d", got, in)
	}
	elements, err := strconv.Atoi(b.eval(t, `document.querySelectorAll("*").length`))
	if err != nil {
		t.Fatal(err)
	}
	b.quiet(t, path)

	bare := filepath.Join(t.TempDir(), "bare.html")
	var table strings.Builder
	table.WriteString("<!DOCTYPE html><table>")
	for i := range elements / 9 {
		fmt.Fprintf(&table, "<tr>%s</tr>", strings.Repeat(fmt.Sprintf("<td>%d</td>", i), 8))
	}
	if err := os.WriteFile(bare, []byte(table.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(path string) time.Duration {
		best := time.Hour
		for range 3 {
			began := time.Now()
			b.run(t, chromedp.Navigate("file://"+path))
			call(b, t, page.CaptureScreenshot, page.CaptureScreenshotParams{}) // it is laid out and painted
			best = min(best, time.Since(began))
		}
		return best
	}
	whole, floor := load(path), load(bare)
	t.Logf("%d KB, %d elements, there in %v; a bare table of as many in %v", info.Size()>>10, elements, whole.Round(time.Millisecond), floor.Round(time.Millisecond))
	if info.Size() > 2<<20 || elements > 50_000 || whole > 4*floor+time.Second/2 {
		t.Error("that is too much")
	}
}
