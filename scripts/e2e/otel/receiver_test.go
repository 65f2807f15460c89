package otel

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/ackextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/splunkhecreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(); err != nil && code == 0 {
		println(err.Error())
		code = 1
	}
	os.Exit(code)
}

// receiver is a running HEC. What it takes is held by a gate in front of it:
// while that is shut, no acknowledgement gets out.
type receiver struct {
	url     string
	sink    *consumertest.LogsSink
	gate    chan struct{} // closed to open it
	open    func()
	zipped  atomic.Int64 // event requests that were compressed
	plain   atomic.Int64 // and that were not
	askings atomic.Int64 // requests for acknowledgements
}

// host gives the receiver its extension.
type host map[component.ID]component.Component

// GetExtensions implements [component.Host].
func (h host) GetExtensions() map[component.ID]component.Component { return h }

func start(t *testing.T) *receiver {
	t.Helper()
	ctx := context.Background() // outlives t.Context, which ends before the clean-up
	acks := ackextension.NewFactory()
	extension, err := acks.Create(ctx, extensiontest.NewNopSettings(acks.Type()), acks.CreateDefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	id := component.NewID(acks.Type())
	factory := splunkhecreceiver.NewFactory()
	config := factory.CreateDefaultConfig().(*splunkhecreceiver.Config)
	config.NetAddr.Endpoint = freeAddress(t)
	config.Ack.Extension = &id
	r := &receiver{sink: new(consumertest.LogsSink), gate: make(chan struct{})}
	r.open = sync.OnceFunc(func() { close(r.gate) })
	logs, err := factory.CreateLogs(ctx, receivertest.NewNopSettings(factory.Type()), config, r.sink)
	if err != nil {
		t.Fatal(err)
	}
	h := host{id: extension}
	if err := extension.Start(ctx, h); err != nil {
		t.Fatal(err)
	}
	if err := logs.Start(ctx, h); err != nil {
		t.Fatal(err)
	}
	gate := httptest.NewServer(r.watch(config.NetAddr.Endpoint))
	r.url = gate.URL
	t.Cleanup(func() {
		r.open()
		gate.Close()
		if err := logs.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := extension.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// watch passes requests on to the receiver at address.
func (r *receiver) watch(address string) http.Handler {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case strings.HasSuffix(req.URL.Path, "/ack"):
			r.askings.Add(1)
			select {
			case <-r.gate:
			case <-req.Context().Done():
				return
			}
		case req.Header.Get("Content-Encoding") == "gzip":
			r.zipped.Add(1)
		default:
			r.plain.Add(1)
		}
		proxy.ServeHTTP(w, req)
	})
}

// event is one that has arrived.
type event struct {
	Time                            pcommon.Timestamp
	Host, Source, SourceType, Index string
	Event, Fields                   map[string]any
}

// events returns all that have arrived, by their sls_id.
func (r *receiver) events() map[string][]event {
	out := map[string][]event{}
	for _, logs := range r.sink.AllLogs() {
		for _, resource := range logs.ResourceLogs().All() {
			metadata := func(key string) string {
				v, _ := resource.Resource().Attributes().Get(key)
				return v.AsString()
			}
			for _, scope := range resource.ScopeLogs().All() {
				for _, record := range scope.LogRecords().All() {
					e := event{
						Time: record.Timestamp(),
						Host: metadata("host.name"), Source: metadata("com.splunk.source"),
						SourceType: metadata("com.splunk.sourcetype"), Index: metadata("com.splunk.index"),
						Event: record.Body().Map().AsRaw(), Fields: record.Attributes().AsRaw(),
					}
					id, _ := e.Fields["sls_id"].(string)
					out[id] = append(out[id], e)
				}
			}
		}
	}
	return out
}

// checkTime compares with nanoseconds since 1970. The receiver keeps a time as
// float64 seconds, which are 238 ns apart in this century; what is sent has
// every digit.
func checkTime(t *testing.T, id string, got pcommon.Timestamp, want int64) {
	t.Helper()
	if off := int64(got) - want; off < -500 || off > 500 {
		t.Errorf("%s: time %d, want %d", id, got, want)
	}
}
