package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/telemetry"
)

// isTerminal tells whether what is written to w is read by people as it comes.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// newScreen is where is said on the way how far something is.
func newScreen(w io.Writer) *progress.Screen {
	if !isTerminal(w) {
		return progress.NewScreen(w, nil)
	}
	return progress.NewScreen(w, func() int {
		width, _, err := term.GetSize(int(w.(*os.File).Fd())) //nolint:forcetypeassert // it is a terminal
		if err != nil || width <= 0 {
			return 80
		}
		return width
	})
}

// untilUnread returns ctx until nobody reads what is said on the way, for a
// command that goes on for good.
func (c *cli) untilUnread(ctx context.Context) context.Context {
	ctx, watched := serve.UntilUnread(ctx)
	c.stderr = watched(c.stderr)
	return ctx
}

// watch shows how far what is done in the returned context is, until stop is
// called. With --quiet nothing is shown, nor where programs read all there is.
func (c *cli) watch(ctx context.Context, label, unit string) (_ context.Context, stop func()) {
	if c.Quiet || c.Output == outputJSON && !c.live {
		return ctx, func() {}
	}
	return c.screen.Watch(ctx, label, cmp.Or(unit, "records"))
}

// logger makes the logger of a command: text where people read it, and JSON
// elsewhere.
func (c *cli) logger(level, project string) (*slog.Logger, error) {
	build := func() (*slog.Logger, error) { return telemetry.NewLogger(c.stderr, level, project) }
	if c.live {
		build = func() (*slog.Logger, error) {
			return telemetry.NewConsole(c.stderr, level, os.Getenv("NO_COLOR") == "") // no-color.org
		}
	}
	log, err := build()
	if err != nil {
		return nil, err
	}
	return slog.New(&onceTold{log.Handler(), c.live, c.Quiet}), nil
}

// onceTold leaves out of the log what the command says itself: that a run has
// finished, with its receipt; and in text other receipts, which only programs
// read.
type onceTold struct {
	slog.Handler
	text, quiet bool
}

// Enabled implements [slog.Handler].
func (h *onceTold) Enabled(ctx context.Context, level slog.Level) bool {
	return (!h.quiet || level >= slog.LevelWarn) && h.Handler.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h *onceTold) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == serve.RunFinished {
		return nil
	}
	if h.text {
		bare := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
		r.Attrs(func(a slog.Attr) bool {
			if a.Key != serve.ReceiptKey {
				bare.AddAttrs(a)
			}
			return true
		})
		r = bare
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h *onceTold) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &onceTold{h.Handler.WithAttrs(attrs), h.text, h.quiet}
}

// WithGroup implements [slog.Handler].
func (h *onceTold) WithGroup(name string) slog.Handler {
	return &onceTold{h.Handler.WithGroup(name), h.text, h.quiet}
}
