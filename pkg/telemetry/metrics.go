package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/redact"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// Metrics counts what runs do. Its zero value is not usable: see [NewMetrics].
type Metrics struct {
	provider *sdkmetric.MeterProvider // nil when off
	exporter *exporter                // nil when off
	records  metric.Int64Counter
	bytes    metric.Int64Counter
	retries  metric.Int64Counter
	runs     metric.Int64Counter
	lag      metric.Float64Gauge
}

// NewMetrics returns the metrics of function. The standard OpenTelemetry
// variables say whether and where they are exported, as OTLP over HTTP; what is
// wrong with those is warned of and never fails a function. [Metrics.Close] ends
// the export.
func NewMetrics(ctx context.Context, function string, log *slog.Logger) *Metrics {
	endpoint, problems := destination()
	for _, problem := range problems {
		log.WarnContext(ctx, "metrics configuration", "problem", problem.Error())
	}
	if endpoint == "" {
		return newMetrics(noop.NewMeterProvider())
	}
	quiet(log)
	// The variables' other settings are read by the SDK. The endpoint is not left
	// to it: it lets OTEL_EXPORTER_OTLP_INSECURE, which is for gRPC, override the
	// URL's scheme.
	otlp, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(endpoint))
	if err != nil {
		log.WarnContext(ctx, "metrics configuration", "problem", "not exported: "+redact.Text(err.Error(), headerSecrets()...))
		return newMetrics(noop.NewMeterProvider())
	}
	res, err := describe(ctx, function)
	if err != nil {
		log.WarnContext(ctx, "metrics configuration", "problem", "OTEL_RESOURCE_ATTRIBUTES: not all of it is understood: want key=value,key=value")
	}
	e := &exporter{Exporter: otlp, secrets: headerSecrets()}
	p := sdkmetric.NewMeterProvider(sdkmetric.WithResource(res), sdkmetric.WithReader(sdkmetric.NewPeriodicReader(e)))
	m := newMetrics(p)
	m.provider, m.exporter = p, e
	return m
}

func newMetrics(p metric.MeterProvider) *Metrics {
	meter := p.Meter("github.com/siemfeed/siemfeed", metric.WithInstrumentationVersion(version.String()))
	return &Metrics{
		records: counter(meter, "siemfeed.records", "{record}", "Records, by outcome: in, out, filtered, quarantined"),
		bytes:   counter(meter, "siemfeed.bytes", "By", "Bytes, by direction: in, out"),
		retries: counter(meter, "siemfeed.retries", "{retry}", "Calls made again after a transient failure"),
		runs:    counter(meter, "siemfeed.runs", "{run}", "Runs, by status"),
		lag: must(meter.Float64Gauge("siemfeed.lag", metric.WithUnit("s"),
			metric.WithDescription("How far the checkpoint is behind now"))),
	}
}

func counter(meter metric.Meter, name, unit, description string) metric.Int64Counter {
	return must(meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description)))
}

// must is for what fails only where a name or a unit is malformed.
func must[T any](instrument T, err error) T {
	if err != nil {
		panic(err)
	}
	return instrument
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
	for source, lag := range r.Lags {
		m.lag.Record(ctx, lag, metric.WithAttributes(function, attribute.String("source", source)))
	}
	m.runs.Add(ctx, 1, metric.WithAttributes(function, attribute.String("status", string(r.Status))))
}

// Flush exports what was counted, within [Patience]. A serverless instance may be
// frozen between two requests, so it is called at the end of each run. The error
// says why metrics are lost, also those of exports since the last flush; it is
// there to be told, and fails nothing.
func (m *Metrics) Flush(ctx context.Context) error {
	if m.provider == nil {
		return nil
	}
	return m.within(ctx, m.provider.ForceFlush)
}

// Close flushes, unless that has just failed, and ends the export, within
// [Patience]. Its error is that of Flush.
func (m *Metrics) Close(ctx context.Context) error {
	if m.provider == nil {
		return nil
	}
	m.exporter.end()
	told := m.exporter.hopeless()
	if err := m.within(ctx, m.provider.Shutdown); !told {
		return err
	}
	return nil
}

func (m *Metrics) within(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, Patience, errSlow)
	defer cancel()
	err := do(ctx)
	if lost := m.exporter.failure(); lost != nil {
		return lost
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx) // it was still waiting for an export before this one
	}
	return err
}
