package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/siemfeed/siemfeed/pkg/redact"
)

// Patience is the most that a flush or the end of the process waits for the
// collector. Pub/Sub delivers again after 10 s, and Cloud Run kills an instance
// 10 s after SIGTERM.
const Patience = 2 * time.Second

var errSlow = fmt.Errorf("the collector did not take the metrics within %v", Patience)

// exporter bounds each export and keeps its failure, so that whoever flushes
// next tells of it, once, and nobody else does. Counters are cumulative: an
// export that succeeds makes good those that failed before it.
type exporter struct {
	sdkmetric.Exporter
	secrets []string // which a collector may echo

	mu     sync.Mutex
	lost   error // of the last export, nil if it succeeded
	ending bool  // the process is about to end
}

// Export implements [sdkmetric.Exporter]. It returns no error: see [exporter].
func (e *exporter) Export(ctx context.Context, data *metricdata.ResourceMetrics) error {
	if e.hopeless() {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Patience, errSlow)
	defer cancel()
	err := e.Exporter.Export(ctx, data)
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return nil // by the end of the process, which exports once more
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lost = e.plain(ctx, err)
	return nil
}

// hopeless tells that the process ends and that the collector has just failed:
// the same again would only cost the same time again.
func (e *exporter) hopeless() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ending && e.lost != nil
}

// plain puts an export's error into words without secrets.
func (e *exporter) plain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var where *url.Error // its text has the whole URL
	if errors.As(err, &where) {
		err = where.Err
	}
	if cause := context.Cause(ctx); errors.Is(cause, errSlow) {
		return cause
	}
	return errors.New(redact.Text(err.Error(), e.secrets...))
}

// failure returns why the last export failed; nil if it did not.
func (e *exporter) failure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lost
}

func (e *exporter) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ending = true
}
