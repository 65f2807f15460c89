//go:build browser

package page

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/ledongthuc/pdf"
)

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
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
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
		case *runtime.EventConsoleAPICalled:
			b.problems = append(b.problems, "console."+string(ev.Type))
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

// press presses keys, one after the other.
func (b *browser) press(t *testing.T, keys ...string) {
	t.Helper()
	for _, key := range keys {
		b.run(t, chromedp.KeyEvent(key))
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

// media emulates a medium and a colour scheme until the test ends.
func (b *browser) media(t *testing.T, medium, scheme string) {
	t.Helper()
	call(b, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	t.Cleanup(func() { call(b, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{}) })
}

// quiet checks that the page has asked for nothing but itself, and that nothing
// went wrong in it.
func (b *browser) quiet(t *testing.T, path string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) > 0 {
		t.Errorf("it complains: %q", b.problems)
	}
	files := 0
	for _, url := range b.requests {
		switch {
		case strings.HasPrefix(url, "file://"+path):
			files++
		case !strings.HasPrefix(url, "data:"):
			t.Errorf("it asks for %s", url)
		}
	}
	if files != 1 {
		t.Errorf("it asks for itself %d times: %q", files, b.requests)
	}
}

// pdfText is the text of a PDF, with white space as single spaces, and ligatures
// taken apart.
func pdfText(t *testing.T, data []byte) string {
	t.Helper()
	r, err := pdf.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.GetPlainText()
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(text)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("\ufb01", "fi", "\ufb02", "fl", "\ufb00", "ff").Replace(strings.Join(strings.Fields(string(all)), " "))
}
