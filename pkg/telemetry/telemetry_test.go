package telemetry

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

func TestLoggerSpeaksCloudLogging(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, "info", "proj")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("X-Cloud-Trace-Context", "105445aa7843bc8bf206b12000100000/123;o=1")
	log.WarnContext(WithTrace(t.Context(), h), "hello", "n", 1)
	log.Debug("not shown")
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	for key, want := range map[string]any{
		"severity": "WARNING", "message": "hello", "n": 1.0,
		"logging.googleapis.com/trace":  "projects/proj/traces/105445aa7843bc8bf206b12000100000",
		"logging.googleapis.com/spanId": "123",
	} {
		if got[key] != want {
			t.Errorf("%s = %v, want %v", key, got[key], want)
		}
	}
	if _, err := NewLogger(&out, "loud", ""); err == nil {
		t.Error("level loud accepted")
	}
}

func TestTraceparent(t *testing.T) {
	h := http.Header{}
	h.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if got, _ := WithTrace(t.Context(), h).Value(traceKey{}).(trace); got.id != "4bf92f3577b34da6a3ce929d0e0e4736" || got.span != "00f067aa0ba902b7" {
		t.Error(got)
	}
}

func TestMetrics(t *testing.T) {
	reader := metric.NewManualReader()
	p := metric.NewMeterProvider(metric.WithReader(reader))
	m := newMetrics(p)
	r := &receipt.Core{Function: "f", Status: receipt.OK, In: 5, Out: 3, Filtered: 2, BytesIn: 100, BytesOut: 60, Retries: 1}
	r.Lag("org", time.Minute)
	m.Run(t.Context(), r)
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, s := range data.ScopeMetrics {
		for _, x := range s.Metrics {
			if sum, ok := x.Data.(metricdata.Sum[int64]); ok {
				for _, dp := range sum.DataPoints {
					key := x.Name
					for _, a := range []string{"outcome", "direction", "status"} {
						if v, ok := dp.Attributes.Value(attribute.Key(a)); ok {
							key += "/" + v.AsString()
						}
					}
					got[key] = dp.Value
				}
			}
			if g, ok := x.Data.(metricdata.Gauge[float64]); ok {
				got[x.Name] = int64(g.DataPoints[0].Value)
			}
		}
	}
	for key, want := range map[string]int64{
		"siemfeed.records/in": 5, "siemfeed.records/out": 3, "siemfeed.records/filtered": 2, "siemfeed.records/quarantined": 0,
		"siemfeed.bytes/in": 100, "siemfeed.bytes/out": 60, "siemfeed.retries": 1, "siemfeed.runs/ok": 1, "siemfeed.lag": 60,
	} {
		if got[key] != want {
			t.Errorf("%s = %d, want %d (all: %v)", key, got[key], want, got)
		}
	}
}
