package telemetry

import (
	"context"
	"log/slog"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/siemfeed/siemfeed/pkg/version"
)

// describe returns what the metrics are of: service.name is the function unless
// OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES says otherwise, and each process
// has a service.instance.id of its own.
func describe(ctx context.Context, function string) (*resource.Resource, error) {
	return resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithService(),
		resource.WithAttributes(attribute.String("service.name", function), attribute.String("service.version", version.String())),
		resource.WithFromEnv(), // last: it overrides
	)
}

// quiet makes the OpenTelemetry SDK, which writes to stderr by itself, write to
// log.
func quiet(log *slog.Logger) {
	otel.SetLogger(logr.New(sdkLog{log}))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {
		log.Warn("opentelemetry: internal error")
	}))
}

// sdkLog logs what the SDK warns of, without the values and errors that come
// along: they quote variables, and among these are the headers with their keys.
type sdkLog struct{ log *slog.Logger }

// Init implements [logr.LogSink].
func (sdkLog) Init(logr.RuntimeInfo) {}

// Enabled implements [logr.LogSink]. The SDK warns at level 1.
func (sdkLog) Enabled(level int) bool { return level <= 1 }

// Info implements [logr.LogSink].
func (s sdkLog) Info(_ int, message string, _ ...any) {
	s.log.Warn("opentelemetry", "warning", message)
}

// Error implements [logr.LogSink].
func (s sdkLog) Error(_ error, message string, _ ...any) {
	s.log.Warn("opentelemetry: an OTEL_ variable is not understood", "while", message)
}

// WithValues implements [logr.LogSink].
func (s sdkLog) WithValues(...any) logr.LogSink { return s }

// WithName implements [logr.LogSink].
func (s sdkLog) WithName(string) logr.LogSink { return s }
