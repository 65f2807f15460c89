package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/lmittmann/tint"
)

// NewConsole returns a logger for people at a terminal: a line a record, with
// the time of day, the level, the message and key=value, and with colours only
// if asked for. Level is debug, info, warn or error.
func NewConsole(w io.Writer, level string, colours bool) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("%q is not debug, info, warn or error", level)
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{Level: l, TimeFormat: time.TimeOnly, NoColor: !colours, ReplaceAttr: withoutEscapes})), nil
}

// withoutEscapes keeps what servers say from steering the terminal.
func withoutEscapes(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindString && strings.Contains(a.Value.String(), "\x1b") {
		return slog.String(a.Key, strings.ReplaceAll(a.Value.String(), "\x1b", "␛"))
	}
	if err, ok := a.Value.Any().(error); ok {
		return withoutEscapes(nil, slog.String(a.Key, err.Error()))
	}
	return a
}
