package progress_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/progress"
)

// work counts to 50,000 in fifty steps of a second.
func work(ctx context.Context, seconds int) {
	progress.Expect(ctx, 50_000)
	progress.Pass(ctx, 5_000)
	for range seconds {
		time.Sleep(time.Second)
		progress.Add(ctx, 1_000)
	}
}

// Elsewhere than on a terminal there is a line every few seconds.
func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		ctx, stop := progress.NewScreen(&b, nil).Watch(t.Context(), "verify", "objects")
		time.Sleep(time.Millisecond) // so that it is clear what is counted when a line is due
		work(ctx, 12)
		stop()
		const want = "  verify: 9,000 of 50,000 objects (18 %), 800/s, 52 s left\n" +
			"  verify: 14,000 of 50,000 objects (28 %), 900/s, 40 s left\n"
		if b.String() != want {
			t.Errorf("got\n%swant\n%s", b.String(), want)
		}
	})
}

// Where things differ in size, the bytes and their rate are told beside their number.
func TestBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		ctx, stop := progress.NewScreen(&b, nil).Watch(t.Context(), "backfill", "objects")
		progress.Expect(ctx, 10)
		time.Sleep(time.Millisecond)
		progress.Add(ctx, 2)
		progress.Bytes(ctx, 999)
		progress.Bytes(ctx, 7_999_001)
		time.Sleep(5 * time.Second)
		stop()
		if want := "  backfill: 2 of 10 objects (20 %), 8 MB (2 MB/s), 24/min, 20 s left\n"; b.String() != want {
			t.Errorf("got %q, want %q", b.String(), want)
		}
	})
}

// A terminal has one row that is drawn again, below what others write.
func TestTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		s := progress.NewScreen(&b, func() int { return 100 })
		ctx, stop := s.Watch(t.Context(), "run", "logs")
		time.Sleep(time.Millisecond)
		work(ctx, 10)
		if _, err := fmt.Fprintln(s, "a line of the log"); err != nil {
			t.Fatal(err)
		}
		stop()
		stop() // may be called again
		if strings.Contains(b.String(), "\n\x1b") || strings.Count(b.String(), "\n") != 1 {
			t.Errorf("%q", b.String())
		}
		rows := strings.Split(b.String(), "\r\x1b[K")
		const bar = "  [======                ]  run: 14,000 of 50,000 logs (28 %), 900/s, 40 s left"
		if !strings.Contains(strings.Join(rows, "|"), "|"+bar+"|") {
			t.Errorf("no %q in %q", bar, rows)
		}
		line := strings.Index(b.String(), "a line of the log\n")
		if before, after := b.String()[:line], b.String()[line:]; !strings.HasSuffix(before, "\r\x1b[K") || !strings.HasSuffix(after, "\r\x1b[K") || !strings.Contains(after, "\n  [") {
			t.Errorf("the line is not by itself, or the row is not there again, or stays: %q", b.String())
		}
	})
}

func TestNarrowTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		ctx, stop := progress.NewScreen(&b, func() int { return 30 }).Watch(t.Context(), "run", "logs")
		work(ctx, 3)
		stop()
		for _, row := range strings.Split(b.String(), "\r\x1b[K") {
			if len(row) > 29 {
				t.Errorf("%q runs over", row)
			}
		}
	})
}

// What is done soon says nothing, and what nobody watches does no harm.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, width := range []func() int{nil, func() int { return 80 }} {
			var b strings.Builder
			ctx, stop := progress.NewScreen(&b, width).Watch(t.Context(), "run", "logs")
			time.Sleep(900 * time.Millisecond)
			progress.Add(ctx, 1)
			stop()
			if b.String() != "" {
				t.Errorf("%q", b.String())
			}
		}
		work(t.Context(), 1)
	})
}

// A whole that is not known has a rate and no rest.
func TestUnknownWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		ctx, stop := progress.NewScreen(&b, nil).Watch(t.Context(), "prune", "objects")
		progress.Add(ctx, 3)
		time.Sleep(5500 * time.Millisecond)
		stop()
		if b.String() != "  prune: 3 objects, 36.0/min\n" && b.String() != "  prune: 3 objects, 36/min\n" {
			t.Errorf("%q", b.String())
		}
	})
}

func TestRest(t *testing.T) {
	for d, want := range map[time.Duration]string{
		300 * time.Millisecond: "1 s", 31 * time.Second: "31 s", 61 * time.Second: "2 min", 3 * time.Hour: "3 h", 72 * time.Hour: "3 days",
	} {
		if got := progress.Rest(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := progress.Count(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
