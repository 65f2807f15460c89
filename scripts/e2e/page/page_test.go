//go:build browser

package page

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
)

// first is the first of the days that the page is about.
var first = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

const days = 31

// kept keeps the receipts and the proofs of a month, four runs a day, and
// returns the sums of the receipts without those of the day that is removed.
func kept(t *testing.T, removed int) (*bucket.Bucket, receipt.Core) {
	t.Helper()
	b, err := bucket.Open(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	var sum receipt.Core
	put := func(key string, v any) {
		t.Helper()
		if err := b.PutJSON(t.Context(), key, v); err != nil {
			t.Fatal(err)
		}
	}
	const stamp = "20060102T150405.000"
	for day := range days {
		for run := range 4 {
			c := receipt.Start("muleaudit")
			c.StartedAt = first.AddDate(0, 0, day).Add(time.Duration(6*run+1) * time.Hour)
			c.Run = c.StartedAt.Format(stamp) + "-" + strconv.Itoa(run)
			c.Out, c.Filtered, c.Quarantined = int64(1000*day+run), int64(day), int64(run%2)
			c.In = c.Out + c.Filtered + c.Quarantined
			c.Lag("org", time.Duration(run)*time.Minute)
			if day != removed {
				put(c.Key(), &c)
				sum.In += c.In
				sum.Out += c.Out
				sum.Filtered += c.Filtered
				sum.Quarantined += c.Quarantined
			}
		}
		at := first.AddDate(0, 0, day+1).Add(3 * time.Hour)
		v := receipt.NewVerified()
		v.From, v.To = at.Add(-50*time.Hour), at.Add(-2*time.Hour)
		put("muleaudit/verify/"+at.Format("2006/01/02/")+at.Format(stamp)+"-X.json", receipt.Verification{Function: "muleaudit", Verify: v})
	}
	return b, sum
}

// browser opens the page at path, and notes what it asks for and complains of.
type browser struct {
	context.Context
	mu       sync.Mutex
	requests []string
	problems []string
}

func open(t *testing.T, path string) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.WindowSize(1200, 900))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{Context: ctx}
	err = chromedp.Listen(ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			b.requests = append(b.requests, ev.Request.URL)
		case *runtime.EventExceptionThrown:
			b.problems = append(b.problems, ev.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			b.problems = append(b.problems, ev.Entry.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	call(b, t, network.Enable, network.EnableParams{})
	call(b, t, log.Enable, cdp.Empty{})
	b.run(t, chromedp.Navigate("file://"+path))
	return b
}

// call sends the browser a command of its protocol.
func call[P, R any](b *browser, t *testing.T, c cdp.Command[P, R], params P) R {
	t.Helper()
	r, err := chromedp.Call(b, c, params)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (b *browser) run(t *testing.T, a chromedp.Action[chromedp.Void]) {
	t.Helper()
	if _, err := chromedp.Run(b, a); err != nil {
		t.Fatal(err)
	}
}

func (b *browser) eval(t *testing.T, script string) string {
	t.Helper()
	got, err := chromedp.Run(b, chromedp.Evaluate[string]("String("+script+")"))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPage(t *testing.T) {
	const removed = 11
	state, sum := kept(t, removed)
	f, err := report.Gather(t.Context(), state, state, "muleaudit", report.Span{From: first, To: first.AddDate(0, 0, days-1)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "proof.html")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := (report.Page{Made: time.Now(), Version: "v1.0.0", Functions: []report.Function{f}}).Write(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	b := open(t, path)

	t.Run("totals", func(t *testing.T) {
		cells := strings.Split(b.eval(t, `[...document.querySelectorAll('[data-totals="muleaudit"] td')].map(td => td.innerText.replaceAll(",", "")).join()`), ",")
		want := []int64{sum.In, sum.Out, sum.Filtered, sum.Quarantined, sum.Out, 4 * (days - 1), 0, 0, 0}
		for i, n := range want {
			if i >= len(cells) || cells[i] != strconv.FormatInt(n, 10) {
				t.Fatalf("%q, want %v", cells, want)
			}
		}
	})
	t.Run("calendar", func(t *testing.T) {
		got := b.eval(t, `[...document.querySelectorAll(".month a")].map(a => a.getAttribute("aria-label")).join("\n")`)
		var want []string
		for day := range days {
			verdict := "complete"
			if day == removed {
				verdict = "not looked at"
			}
			want = append(want, first.AddDate(0, 0, day).Format(time.DateOnly)+": "+verdict)
		}
		if got != strings.Join(want, "\n") {
			t.Errorf("%s", got)
		}
		if n := b.eval(t, `document.querySelector('[data-verdict="complete"]').innerText`); n != strconv.Itoa(days-1) {
			t.Errorf("%s complete", n)
		}
	})
	t.Run("keyboard", func(t *testing.T) {
		for range 3 {
			b.run(t, chromedp.KeyEvent(kb.Tab))
		}
		b.run(t, chromedp.KeyEvent(kb.Enter))
		if hash := b.eval(t, "location.hash"); hash != "#muleaudit-2026-03-03" {
			t.Errorf("at %q", hash)
		}
		if text := b.eval(t, `document.querySelector("tr:target").innerText`); !strings.Contains(text, f.Days[2].Root) {
			t.Errorf("%s", text)
		}
	})
	t.Run("narrow", func(t *testing.T) {
		call(b, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 360, Height: 800, DeviceScaleFactor: 1, Mobile: true})
		if over := b.eval(t, "document.documentElement.scrollWidth - innerWidth"); over != "0" {
			t.Errorf("%s pixels wider than the screen", over)
		}
		call(b, t, emulation.ClearDeviceMetricsOverride, cdp.Empty{})
	})
	t.Run("dark", func(t *testing.T) {
		paper := func() string { return b.eval(t, "getComputedStyle(document.body).backgroundColor") }
		light := paper()
		call(b, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
		if paper() == light {
			t.Errorf("%s in the dark too", light)
		}
		call(b, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	})
	t.Run("print", func(t *testing.T) {
		pdf := call(b, t, page.PrintToPDF, page.PrintToPDFParams{}).Data
		call(b, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		if width := b.eval(t, "getComputedStyle(document.body).maxWidth"); width != "none" || len(pdf) < 10_000 {
			t.Errorf("max-width %s, %d bytes", width, len(pdf))
		}
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) > 0 {
		t.Errorf("it complains: %q", b.problems)
	}
	for _, url := range b.requests {
		if !strings.HasPrefix(url, "file://"+path) && !strings.HasPrefix(url, "data:") {
			t.Errorf("it asks for %s", url)
		}
	}
}
