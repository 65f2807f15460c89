package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// clean takes away the OTEL_ variables of whoever runs the tests, and sets
// those given.
func clean(t *testing.T, vars ...string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, value) // restored at the end
			_ = os.Unsetenv(name)
		}
	}
	for _, pair := range vars {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

// hangs accepts connections and says nothing, as a firewall that drops packets
// does.
func hangs(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return "http://" + l.Addr().String()
}

func answers(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return s.URL
}

// endless is longer than Patience by as much as a busy machine may make of it, and
// shorter than the 10 s that an exporter takes if it is let.
const endless = 4 * Patience

// Whatever the collector does, a flush and the end wait Patience at most, one
// error tells of each run, and no goroutine is left.
func TestCollectorDoesNoHarm(t *testing.T) {
	for name, endpoint := range map[string]func(*testing.T) string{
		"refuses": func(*testing.T) string { return "http://127.0.0.1:1" },
		"hangs":   hangs,
		"resets": func(t *testing.T) string {
			return answers(t, func(w http.ResponseWriter, _ *http.Request) {
				if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
					_ = conn.Close()
				}
			})
		},
		"500": func(t *testing.T) string {
			return answers(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
		},
		"503 until tomorrow": func(t *testing.T) string {
			return answers(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "86400")
				w.WriteHeader(http.StatusServiceUnavailable)
			})
		},
		"answers for ever": func(t *testing.T) string {
			return answers(t, func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					_, _ = io.WriteString(w, ".")
					_ = http.NewResponseController(w).Flush()
					time.Sleep(10 * time.Millisecond)
				}
			})
		},
	} {
		before := goleak.IgnoreCurrent()
		t.Run(name, func(t *testing.T) {
			clean(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint(t))
			m := NewMetrics(t.Context(), "f", slog.New(slog.DiscardHandler))
			for range 2 {
				m.Run(t.Context(), &receipt.Core{Function: "f"})
				began := time.Now()
				if err := m.Flush(t.Context()); err == nil {
					t.Error("nobody is told")
				}
				if took := time.Since(began); took > endless {
					t.Errorf("a flush took %v", took)
				}
			}
			began := time.Now()
			if err := m.Close(t.Context()); err != nil {
				t.Errorf("told twice: %v", err)
			}
			if took := time.Since(began); took >= Patience {
				t.Errorf("what had just failed was waited for again: %v", took)
			}
		})
		goleak.VerifyNone(t, before) // the collector is gone, and with it kept connections
	}
}

// The end exports what no flush has, and waits for that no longer than Patience.
func TestCloseWaitsOnce(t *testing.T) {
	clean(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+hangs(t))
	m := NewMetrics(t.Context(), "f", slog.New(slog.DiscardHandler))
	m.Run(t.Context(), &receipt.Core{Function: "f"})
	began := time.Now()
	if err := m.Close(t.Context()); !errors.Is(err, errSlow) {
		t.Error(err)
	}
	if took := time.Since(began); took > endless {
		t.Errorf("the end took %v", took)
	}
}

// A collector that is back makes good what was lost.
func TestLaterExportMakesGood(t *testing.T) {
	down := true
	url := answers(t, func(w http.ResponseWriter, _ *http.Request) {
		if down {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	clean(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+url)
	m := NewMetrics(t.Context(), "f", slog.New(slog.DiscardHandler))
	m.Run(t.Context(), &receipt.Core{Function: "f"})
	if m.Flush(t.Context()) == nil {
		t.Error("nobody is told")
	}
	down = false
	if err := m.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// exported is what one flush sends, and to which path.
func exported(t *testing.T, vars ...string) (paths []string, resource map[string]string, header http.Header) {
	t.Helper()
	resource = map[string]string{}
	url := answers(t, func(_ http.ResponseWriter, r *http.Request) {
		paths, header = append(paths, r.URL.Path), r.Header
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportMetricsServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &sent)
		}
		if err != nil {
			t.Error(err)
			return
		}
		for _, rm := range sent.GetResourceMetrics() {
			for _, a := range rm.GetResource().GetAttributes() {
				resource[a.GetKey()] = a.GetValue().GetStringValue()
			}
		}
	})
	for i, v := range vars {
		vars[i] = strings.ReplaceAll(v, "URL", url)
	}
	clean(t, vars...)
	m := NewMetrics(t.Context(), "gunzipcsv", slog.New(slog.DiscardHandler))
	m.Run(t.Context(), &receipt.Core{Function: "f"})
	if err := m.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	n := len(paths)
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return paths[:n], resource, header
}

func TestWhereMetricsGo(t *testing.T) {
	for name, tc := range map[string]struct {
		vars []string
		path string // "" is nowhere
	}{
		"unset":              {nil, ""},
		"endpoint":           {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL"}, "/v1/metrics"},
		"below a path":       {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL/otlp/"}, "/otlp/v1/metrics"},
		"of metrics":         {[]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=URL/here", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}, "/here"},
		"of metrics, root":   {[]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=URL"}, "/"},
		"insecure is grpc's": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_EXPORTER_OTLP_INSECURE=false"}, "/v1/metrics"},
		"disabled":           {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_SDK_DISABLED=true"}, ""},
		"Disabled":           {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_SDK_DISABLED=True"}, ""},
		" DISABLED ":         {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_SDK_DISABLED= TRUE "}, ""},
		"not disabled":       {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_SDK_DISABLED=False"}, "/v1/metrics"},
		"1 is not true":      {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_SDK_DISABLED=1"}, "/v1/metrics"},
		"none":               {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_METRICS_EXPORTER=none"}, ""},
		"otlp":               {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_METRICS_EXPORTER=otlp"}, "/v1/metrics"},
		"list with otlp":     {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_METRICS_EXPORTER=console, otlp"}, "/v1/metrics"},
		"list without":       {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_METRICS_EXPORTER=prometheus,console"}, ""},
		"unknown exporter":   {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_METRICS_EXPORTER=otpl"}, "/v1/metrics"},
		"protobuf":           {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"}, "/v1/metrics"},
		"grpc":               {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, ""},
		"grpc but metrics":   {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf"}, "/v1/metrics"},
		"unknown protocol":   {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_EXPORTER_OTLP_PROTOCOL=http"}, "/v1/metrics"},
		"no URL":             {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			paths, _, _ := exported(t, tc.vars...)
			if got := strings.Join(paths, " "); got != tc.path {
				t.Errorf("exported to %q, want %q", got, tc.path)
			}
		})
	}
}

// An exporter that is named without an endpoint goes where the specification
// says.
func TestDefaultEndpoint(t *testing.T) {
	clean(t, "OTEL_METRICS_EXPORTER=otlp")
	if endpoint, problems := destination(); endpoint != "http://localhost:4318/v1/metrics" || problems != nil {
		t.Error(endpoint, problems)
	}
}

func TestWhatIsNotUnderstoodIsWarnedOfWithoutItsSecrets(t *testing.T) {
	for variable, want := range map[string]string{
		"OTEL_SDK_DISABLED=yes":                               "OTEL_SDK_DISABLED=yes",
		"OTEL_METRICS_EXPORTER=prometheus":                    "prometheus is not supported",
		"OTEL_METRICS_EXPORTER=otpl":                          "otpl",
		"OTEL_EXPORTER_OTLP_PROTOCOL=grpc":                    "set http/protobuf",
		"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/json":       "set http/protobuf",
		"OTEL_EXPORTER_OTLP_PROTOCOL=carrier-pigeon":          "no protocol of OTLP",
		"OTEL_EXPORTER_OTLP_ENDPOINT=hushhush:4318":           "OTEL_EXPORTER_OTLP_ENDPOINT is no URL",
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=//hushhush":      "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is no URL",
		"OTEL_EXPORTER_OTLP_HEADERS=hushhush":                 "parse headers",
		"OTEL_EXPORTER_OTLP_HEADERS=key=%zzhushhush":          "escape header value",
		"OTEL_EXPORTER_OTLP_TIMEOUT=hushhush":                 "parse duration",
		"OTEL_RESOURCE_ATTRIBUTES=hushhush":                   "OTEL_RESOURCE_ATTRIBUTES",
		"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=x": "TEMPORALITY_PREFERENCE",
	} {
		clean(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", variable)
		var out bytes.Buffer
		m := NewMetrics(t.Context(), "f", slog.New(slog.NewJSONHandler(&out, nil)))
		_ = m.Close(t.Context())
		if got := out.String(); !strings.Contains(got, want) || !strings.Contains(got, `"WARN"`) || strings.Contains(got, "hushhush") {
			t.Errorf("%s: %s", variable, got)
		}
	}
}

func TestServiceIsNamed(t *testing.T) {
	_, one, _ := exported(t, "OTEL_EXPORTER_OTLP_ENDPOINT=URL")
	_, two, _ := exported(t, "OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_SERVICE_NAME=mine", "OTEL_RESOURCE_ATTRIBUTES=service.version=v9,team=soc")
	if one["service.name"] != "gunzipcsv" || one["service.version"] == "" || one["service.instance.id"] == "" {
		t.Error(one)
	}
	if two["service.name"] != "mine" || two["service.version"] != "v9" || two["team"] != "soc" {
		t.Error(two)
	}
}

func TestHeadersAreSentAndAnEchoIsNotTold(t *testing.T) {
	_, _, header := exported(t, "OTEL_EXPORTER_OTLP_ENDPOINT=URL", "OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20hush-hush-1")
	if got := header.Get("Authorization"); got != "Bearer hush-hush-1" {
		t.Errorf("Authorization: %q", got)
	}
	url := answers(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(r.Header)
	})
	clean(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+url, "OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20hush-hush-1,Api-Key=hush-hush-2")
	m := NewMetrics(t.Context(), "f", slog.New(slog.DiscardHandler))
	err := m.Flush(t.Context())
	if err == nil || strings.Contains(err.Error(), "hush-hush") || !strings.Contains(err.Error(), "401") {
		t.Error(err)
	}
	_ = m.Close(t.Context())
}

func TestMetricsOffByDefault(t *testing.T) {
	clean(t)
	m := NewMetrics(t.Context(), "f", slog.New(slog.DiscardHandler))
	if m.provider != nil {
		t.Fatal(m)
	}
	m.Run(t.Context(), &receipt.Core{})
	if err := errors.Join(m.Flush(t.Context()), m.Close(t.Context())); err != nil {
		t.Error(err)
	}
}
