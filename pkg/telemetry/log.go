// Package telemetry is how a function tells what it does: structured log
// records that Cloud Logging understands, and OpenTelemetry counters for those
// who collect them.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// NewLogger returns a logger that writes one JSON object a line, with the
// fields Cloud Logging gives a meaning to: severity, message, time and, for
// records logged with the context of a request, its trace. Level is debug,
// info, warn or error.
func NewLogger(w io.Writer, level, project string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("%q is not debug, info, warn or error", level)
	}
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l, ReplaceAttr: cloudNames})
	return slog.New(&traceHandler{Handler: h, project: project}), nil
}

// cloudNames renames slog's own fields to those of Cloud Logging's structured
// format (cloud.google.com/logging/docs/structured-logging).
func cloudNames(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.MessageKey:
		a.Key = "message"
	case slog.LevelKey:
		level, _ := a.Value.Any().(slog.Level)
		severity := "DEFAULT"
		switch {
		case level >= slog.LevelError:
			severity = "ERROR"
		case level >= slog.LevelWarn:
			severity = "WARNING"
		case level >= slog.LevelInfo:
			severity = "INFO"
		case level >= slog.LevelDebug:
			severity = "DEBUG"
		}
		return slog.String("severity", severity)
	}
	return a
}

type traceKey struct{}

type trace struct{ id, span string }

// WithTrace returns a context that carries the trace of r, from its
// traceparent (W3C) or X-Cloud-Trace-Context header, if it has one.
func WithTrace(ctx context.Context, h http.Header) context.Context {
	if v := h.Get("Traceparent"); v != "" {
		if p := strings.Split(v, "-"); len(p) >= 4 && len(p[1]) == 32 && len(p[2]) == 16 {
			return context.WithValue(ctx, traceKey{}, trace{p[1], p[2]})
		}
	}
	if id, rest, ok := strings.Cut(h.Get("X-Cloud-Trace-Context"), "/"); ok && id != "" {
		span, _, _ := strings.Cut(rest, ";")
		return context.WithValue(ctx, traceKey{}, trace{id, span})
	}
	return ctx
}

type traceHandler struct {
	slog.Handler
	project string
}

func (h *traceHandler) Handle(ctx context.Context, r slog.Record) error {
	if t, ok := ctx.Value(traceKey{}).(trace); ok {
		id := t.id
		if h.project != "" {
			id = "projects/" + h.project + "/traces/" + id
		}
		r.AddAttrs(slog.String("logging.googleapis.com/trace", id), slog.String("logging.googleapis.com/spanId", t.span))
	}
	return h.Handler.Handle(ctx, r)
}

func (h *traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &traceHandler{h.Handler.WithAttrs(attrs), h.project}
}

func (h *traceHandler) WithGroup(name string) slog.Handler {
	return &traceHandler{h.Handler.WithGroup(name), h.project}
}
