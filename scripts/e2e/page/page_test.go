//go:build browser

package page

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp/kb"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
)

// first is the first of the days that the page is about.
var first = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// The days of the page, but for which all is well. They go over into the next
// month.
const (
	days    = 40
	late    = 5  // a run failed
	found   = 8  // the proof of the day named something
	removed = 11 // its receipts are gone
)

const missing = "20260309/a.csv"

// kept keeps the receipts and the proofs of the days, four runs each, and returns
// the sums of the receipts without those of the day that is removed.
func kept(t *testing.T) (*bucket.Bucket, receipt.Core) {
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
			if day == late && run == 1 {
				c.Status, c.Code, c.Error = receipt.Failed, receipt.Unavailable, "the API did not answer"
			}
			put(c.Key(), &c)
			if day != removed {
				sum.In += c.In
				sum.Out += c.Out
				sum.Filtered += c.Filtered
				sum.Quarantined += c.Quarantined
			}
		}
		at := first.AddDate(0, 0, day+1).Add(3 * time.Hour)
		v := receipt.NewVerified()
		v.From, v.To = at.Add(-28*time.Hour), at.Add(-2*time.Hour)
		if day == found {
			v.Find(receipt.Finding{Kind: receipt.Missing, Where: missing, Detail: "a receipt names it"})
		}
		put("muleaudit/verify/"+at.Format("2006/01/02/")+at.Format(stamp)+"-X.json", receipt.Verification{Function: "muleaudit", Verify: v})
	}
	return b, sum
}

// gather gathers all days, once they were rolled up, and then those of one were
// removed.
func gather(t *testing.T, state *bucket.Bucket) report.Function {
	t.Helper()
	span := report.Span{From: first, To: first.AddDate(0, 0, days-1)}
	if _, err := report.Gather(t.Context(), state, state, "muleaudit", span); err != nil {
		t.Fatal(err)
	}
	keys, err := state.Keys(t.Context(), "muleaudit/receipts/"+first.AddDate(0, 0, removed).Format("2006/01/02/"))
	if err != nil || len(keys) != 4 {
		t.Fatal(keys, err)
	}
	for _, key := range keys {
		if err := state.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	f, err := report.Gather(t.Context(), state, state, "muleaudit", span)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// write writes a page to a file.
func write(t *testing.T, p report.Page) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "proof.html")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func dateOf(day int) string { return first.AddDate(0, 0, day).Format(time.DateOnly) }

func TestPage(t *testing.T) {
	state, sum := kept(t)
	f := gather(t, state)
	path := write(t, report.Page{Made: time.Now(), Version: "v1.0.0", Functions: []report.Function{f}})
	b := open(t, path)

	t.Run("answer", func(t *testing.T) {
		want := "Not complete: 1 finding, on " + dateOf(found) + "."
		for _, where := range []string{".answers", ".answer"} {
			if got := b.eval(t, `document.querySelector("`+where+`").innerText`); !strings.Contains(got, want) {
				t.Errorf("%s: %q", where, got)
			}
		}
		got := b.eval(t, `document.querySelector(".answer ul").innerText`)
		for _, want := range []string{"Not looked at: " + dateOf(removed), "Late: " + dateOf(late)} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not in %q", want, got)
			}
		}
		if top := b.eval(t, `document.querySelector(".answer").getBoundingClientRect().bottom < innerHeight`); top != "true" {
			t.Error("the answer is not on the first screen")
		}
		if text := b.eval(t, `document.body.innerText`); !strings.Contains(text, missing) || !strings.Contains(text, "the API did not answer") {
			t.Error("the finding, or why runs failed, is not on the page")
		}
	})
	totals := map[string]int64{"in": sum.In, "delivered": sum.Out, "filtered": sum.Filtered, "quarantined": sum.Quarantined, "runs": 4 * (days - 1), "failed": 1}
	t.Run("totals", func(t *testing.T) {
		for name, want := range totals {
			got := b.eval(t, `document.querySelector('[data-total="`+name+`"]').innerText.replaceAll(",", "")`)
			if got != strconv.FormatInt(want, 10) {
				t.Errorf("%s: %s, want %d", name, got, want)
			}
		}
		got := b.eval(t, `[...document.querySelectorAll('[data-days] tr[id]')].reduce((n, tr) => n + Number(tr.cells[2].innerText.replaceAll(",", "")), 0)`)
		if got != strconv.FormatInt(sum.In, 10) {
			t.Errorf("the days add up to %s in, want %d", got, sum.In)
		}
	})
	t.Run("calendar", func(t *testing.T) {
		got := b.eval(t, `[...document.querySelectorAll(".calendar a")].map(a => a.getAttribute("aria-label")).join("\n")`)
		var want []string
		for day := range days {
			verdict := map[int]string{late: "late", found: "gap", removed: "not looked at"}[day]
			if verdict == "" {
				verdict = "complete"
			}
			want = append(want, dateOf(day)+": "+verdict)
		}
		if got != strings.Join(want, "\n") {
			t.Errorf("%s", got)
		}
		if n := b.eval(t, `document.querySelector('[data-verdict="complete"]').innerText`); n != strconv.Itoa(days-3) {
			t.Errorf("%s complete", n)
		}
		// A day is below its number, and beside its month.
		if n := b.eval(t, `[...document.querySelectorAll(".calendar a")].filter(a => {
			const td = a.parentElement, day = a.getAttribute("aria-label").slice(0, 10);
			return day !== td.parentElement.cells[0].innerText + "-" + document.querySelector(".calendar").rows[0].cells[td.cellIndex].innerText.padStart(2, "0");
		}).length`); n != "0" {
			t.Errorf("%s days are at a wrong place", n)
		}
	})
	t.Run("outline", func(t *testing.T) {
		levels := b.eval(t, `[...document.querySelectorAll("h1,h2,h3,h4")].map(h => h.tagName[1]).join("")`)
		if !strings.HasPrefix(levels, "123") || strings.Trim(levels, "3") != "12" {
			t.Errorf("headings %s", levels)
		}
		if n := b.eval(t, `document.querySelectorAll("th:not([scope]), a:not([href]), svg:not([aria-label])").length`); n != "0" {
			t.Errorf("%s without a scope, a target or a name", n)
		}
		if ids := b.eval(t, `[...document.querySelectorAll("[id]")].length - new Set([...document.querySelectorAll("[id]")].map(e => e.id)).size`); ids != "0" {
			t.Errorf("%s names are there twice", ids)
		}
		if lost := b.eval(t, `[...document.querySelectorAll("a")].filter(a => !document.querySelector(CSS.escape ? "#" + CSS.escape(a.hash.slice(1)) : a.hash)).length`); lost != "0" {
			t.Errorf("%s links lead nowhere", lost)
		}
	})
	t.Run("keyboard", func(t *testing.T) {
		at := func() string { return b.eval(t, `document.activeElement.getAttribute("aria-label")`) }
		b.press(t, kb.Tab, kb.Tab) // the function, then its calendar
		steps := []struct{ key, want string }{
			{"", dateOf(found) + ": gap"}, // where it begins
			{kb.ArrowRight, dateOf(found+1) + ": complete"},
			{kb.ArrowLeft, dateOf(found) + ": gap"},
			{kb.ArrowDown, dateOf(found+31) + ": complete"},
			{kb.ArrowDown, dateOf(found+31) + ": complete"}, // there is no month after it
			{kb.ArrowUp, dateOf(found) + ": gap"},
			{kb.End, dateOf(days-1) + ": complete"},
			{kb.ArrowRight, dateOf(days-1) + ": complete"},
			{kb.Home, dateOf(0) + ": complete"},
			{kb.ArrowRight, dateOf(1) + ": complete"},
			{kb.ArrowRight, dateOf(2) + ": complete"},
		}
		for _, s := range steps {
			if s.key != "" {
				b.press(t, s.key)
			}
			if got := at(); got != s.want {
				t.Errorf("after %q at %q, want %q", s.key, got, s.want)
			}
		}
		if outline := b.eval(t, `getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth`); outline != "solid3px" {
			t.Errorf("the focus is shown by %q", outline)
		}
		b.press(t, kb.Enter)
		if hash := b.eval(t, "location.hash"); hash != "#muleaudit-"+dateOf(2) {
			t.Errorf("at %q", hash)
		}
		if text := b.eval(t, `document.querySelector("tr:target").innerText`); !strings.Contains(text, f.Days[2].Root) {
			t.Errorf("%s", text)
		}
		if id := b.eval(t, `document.activeElement.id`); id != "muleaudit-"+dateOf(2) {
			t.Errorf("the focus is at %q", id)
		}
		b.press(t, kb.Tab, kb.Enter) // and back
		if hash := b.eval(t, "location.hash"); hash != "#muleaudit-days" {
			t.Errorf("back at %q", hash)
		}
		b.press(t, kb.Tab)
		if got := at(); got != dateOf(2)+": complete" {
			t.Errorf("back at %q", got)
		}
	})
	t.Run("narrow", func(t *testing.T) {
		call(b, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 360, Height: 800, DeviceScaleFactor: 1, Mobile: true})
		defer call(b, t, emulation.ClearDeviceMetricsOverride, cdp.Empty{})
		if over := b.eval(t, "document.documentElement.scrollWidth - innerWidth"); over != "0" {
			t.Errorf("%s pixels wider than the screen", over)
		}
		// WCAG 2.2, 2.5.8: 24 by 24 pixels, for a finger.
		if small := b.eval(t, `[...document.querySelectorAll(".calendar a")].map(a => a.getBoundingClientRect()).filter(r => r.width < 24 || r.height < 24).length`); small != "0" {
			t.Errorf("%s days are too small to touch", small)
		}
	})
	t.Run("contrast", func(t *testing.T) {
		papers := map[string]bool{}
		for _, scheme := range []string{"light", "dark"} {
			t.Run(scheme, func(t *testing.T) {
				b.media(t, "", scheme)
				papers[b.eval(t, "getComputedStyle(document.body).backgroundColor")] = true
				if low := b.eval(t, lowContrast); low != "" {
					t.Errorf("below 4.5 to 1:\n%s", low)
				}
			})
		}
		if len(papers) != 2 {
			t.Errorf("the paper is %v", papers)
		}
	})
	t.Run("print", func(t *testing.T) {
		printed := call(b, t, page.PrintToPDF, page.PrintToPDFParams{PreferCSSPageSize: ptr(true), PrintBackground: ptr(false)}).Data
		text := pdfText(t, printed)
		want := []string{"Not complete: 1 finding", missing, "the API did not answer", "v1.0.0", report.Count(sum.In), report.Count(sum.Out), report.Count(sum.Filtered), dateOf(removed) + " ? not looked at: no receipt is kept"}
		squeezed := strings.ReplaceAll(text, " ", "")
		for _, d := range f.Days {
			if d.Root != "" && !strings.Contains(squeezed, d.Root) {
				t.Errorf("%s: what it rests on is not printed", d.Date.Format(time.DateOnly))
			}
		}
		for _, r := range f.Receipts() {
			if !strings.Contains(squeezed, r.SHA256) {
				t.Errorf("%s is not printed", r.Name)
				break
			}
		}
		for _, want := range want {
			if !strings.Contains(squeezed, strings.ReplaceAll(want, " ", "")) {
				t.Errorf("%q is not printed", want)
			}
		}
		if t.Failed() {
			t.Logf("%.6000s", text)
		}
	})
	t.Run("printed in the dark", func(t *testing.T) {
		b.media(t, "print", "dark")
		if got := b.eval(t, `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color`); got != "rgb(255, 255, 255)rgb(31, 35, 40)" {
			t.Errorf("paper and ink are %s", got)
		}
		if cut := b.eval(t, `[...document.querySelectorAll(".scroll")].filter(e => getComputedStyle(e).overflowX !== "visible").length`); cut != "0" {
			t.Errorf("%s tables are cut", cut)
		}
		if hidden := b.eval(t, `[...document.body.querySelectorAll("*")].filter(e => getComputedStyle(e).display === "none" && e.tagName !== "SCRIPT").map(e => e.className).join()`); hidden != "soft keys" {
			t.Errorf("hidden on paper: %s", hidden)
		}
	})
	b.quiet(t, path)
}

// lowContrast lists the texts whose colour is too near to what is behind them
// (WCAG 2.2, 1.4.3). No colour of the page is translucent.
const lowContrast = `(() => {
	const rgb = (c) => c.match(/[\d.]+/g).map(Number);
	const light = (c) => {
		const [r, g, b] = c.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = rgb(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] === 1) return c;
			if (c[3] !== 0) return [0, 0, 0, NaN];
		}
		return [255, 255, 255];
	};
	const low = new Set();
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement;
		if (!texts.currentNode.data.trim() || ["SCRIPT", "TITLE", "title"].includes(e.tagName)) continue;
		const [a, b] = [light(rgb(getComputedStyle(e).color).slice(0, 3)), light(behind(e).slice(0, 3))].sort((x, y) => y - x);
		const ratio = (a + 0.05) / (b + 0.05);
		if (!(ratio >= 4.5)) low.add(ratio.toFixed(2) + " " + e.tagName + " " + e.className + ": " + texts.currentNode.data.slice(0, 30));
	}
	return [...low].join("\n");
})()`

func ptr[T any](v T) *T { return &v }

// Without its script the page says the same, and each day can be reached.
func TestWithoutScript(t *testing.T) {
	state, _ := kept(t)
	path := write(t, report.Page{Made: time.Now(), Version: "v1.0.0", Functions: []report.Function{gather(t, state)}})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), "<script>")
	_, after, _ := strings.Cut(rest, "</script>")
	if err := os.WriteFile(path, []byte(before+after), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, path)
	b.press(t, slices.Repeat([]string{kb.Tab}, 4)...) // the function, and the third day
	b.press(t, kb.Enter)
	if hash := b.eval(t, "location.hash"); hash != "#muleaudit-"+dateOf(2) {
		t.Errorf("at %q", hash)
	}
	b.quiet(t, path)
}

// A style or script that is not the page's own does not run, whatever a receipt
// or a finding says.
func TestPolicy(t *testing.T) {
	path := write(t, report.Page{Made: time.Now(), Version: "v1.0.0"})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	evil := strings.Replace(string(text), "<main>", `<main><script>document.title = "taken"</script><img src="http://127.0.0.1:9/x" onerror="document.title = 'taken'"><style>body { margin: 77px }</style>`, 1)
	if err := os.WriteFile(path, []byte(evil), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, path)
	if got := b.eval(t, `document.title + getComputedStyle(document.body).marginTop`); strings.Contains(got, "taken") || strings.Contains(got, "77px") {
		t.Errorf("%q", got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) < 3 {
		t.Errorf("the browser refused %q", b.problems)
	}
}
