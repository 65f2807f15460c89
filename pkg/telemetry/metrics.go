package telemetry

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Metrics counts what runs do. Its zero value is not usable: see [NewMetrics].
type Metrics struct {
	provider *sdkmetric.MeterProvider // nil when off
	records  metric.Int64Counter
	bytes    metric.Int64Counter
	retries  metric.Int64Counter
	runs     metric.Int64Counter
	lag      metric.Float64Gauge
}

// NewMetrics reads the standard OpenTelemetry variables. Metrics are off
// unless OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is
// set and neither OTEL_SDK_DISABLED=true nor OTEL_METRICS_EXPORTER=none says
// otherwise; they are exported as OTLP over HTTP.
func NewMetrics(ctx context.Context) (*Metrics, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT")+os.Getenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") == "" ||
		os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_METRICS_EXPORTER") == "none" {
		return newMetrics(noop.NewMeterProvider(), nil)
	}
	exporter, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	p := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)))
	return newMetrics(p, p)
}

func newMetrics(p metric.MeterProvider, sdk *sdkmetric.MeterProvider) (*Metrics, error) {
	meter := p.Meter("github.com/siemfeed/siemfeed")
	m := &Metrics{provider: sdk}
	var errs [5]error
	m.records, errs[0] = meter.Int64Counter("siemfeed.records", metric.WithUnit("{record}"), metric.WithDescription("Records, by outcome: in, out, filtered, quarantined"))
	m.bytes, errs[1] = meter.Int64Counter("siemfeed.bytes", metric.WithUnit("By"), metric.WithDescription("Bytes, by direction: in, out"))
	m.retries, errs[2] = meter.Int64Counter("siemfeed.retries", metric.WithUnit("{retry}"), metric.WithDescription("Calls made again after a transient failure"))
	m.runs, errs[3] = meter.Int64Counter("siemfeed.runs", metric.WithUnit("{run}"), metric.WithDescription("Runs, by status"))
	m.lag, errs[4] = meter.Float64Gauge("siemfeed.lag", metric.WithUnit("s"), metric.WithDescription("How far the checkpoint is behind now"))
	return m, errors.Join(errs[:]...)
}

// Run counts a finished run.
func (m *Metrics) Run(ctx context.Context, r *receipt.Core) {
	function := attribute.String("function", r.Function)
	for outcome, n := range map[string]int64{"in": r.In, "out": r.Out, "filtered": r.Filtered, "quarantined": r.Quarantined} {
		m.records.Add(ctx, n, metric.WithAttributes(function, attribute.String("outcome", outcome)))
	}
	m.bytes.Add(ctx, r.BytesIn, metric.WithAttributes(function, attribute.String("direction", "in")))
	m.bytes.Add(ctx, r.BytesOut, metric.WithAttributes(function, attribute.String("direction", "out")))
	m.retries.Add(ctx, r.Retries, metric.WithAttributes(function))
	for source, lag := range r.Lags() {
		m.lag.Record(ctx, lag.Seconds(), metric.WithAttributes(function, attribute.String("source", source)))
	}
	m.runs.Add(ctx, 1, metric.WithAttributes(function, attribute.String("status", string(r.Status))))
}

// Flush exports what was counted. A serverless instance may be frozen between
// two requests, so it is called at the end of each run.
func (m *Metrics) Flush(ctx context.Context) error {
	if m.provider == nil {
		return nil
	}
	return m.provider.ForceFlush(ctx)
}

// Close flushes and ends the export.
func (m *Metrics) Close(ctx context.Context) error {
	if m.provider == nil {
		return nil
	}
	return m.provider.Shutdown(ctx)
}
