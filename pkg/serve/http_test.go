package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// stub is a function whose run is given.
type stub struct {
	run   func(context.Context, trigger.Event) (receipt.Receipt, error)
	ready error
}

func (s *stub) Run(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
	return s.run(ctx, ev)
}
func (s *stub) Close() error { return nil }
func (s *stub) Ready() error { return s.ready }

func runtime(t *testing.T, log io.Writer) serve.Runtime {
	t.Helper()
	return serve.WithLog(t.Context(), "stub", slog.New(slog.NewJSONHandler(log, nil)))
}

func post(h http.Handler, body string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	return rec
}

func TestStatusTellsWhetherToDeliverAgain(t *testing.T) {
	for _, tc := range []struct {
		name      string
		status    receipt.Status
		redeliver bool
		err       error
		want      int
	}{
		{"done", receipt.OK, true, nil, http.StatusOK},
		{"partial, goes on by itself", receipt.Partial, false, nil, http.StatusOK},
		{"partial, needs a redelivery", receipt.Partial, true, nil, http.StatusServiceUnavailable},
		{"busy, goes on by itself", receipt.Busy, false, nil, http.StatusOK},
		{"busy, needs a redelivery", receipt.Busy, true, nil, http.StatusServiceUnavailable},
		{"failed", receipt.Failed, true, errors.New("no bucket"), http.StatusInternalServerError},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var log strings.Builder
			fn := &stub{run: func(context.Context, trigger.Event) (receipt.Receipt, error) {
				c := receipt.Start("stub")
				c.Redeliver, c.In, c.Out = tc.redeliver, 3, 3
				c.Finish(receipt.Outcome{Status: tc.status, Err: tc.err})
				return &c, tc.err
			}}
			rec := post(serve.NewHandler(t.Context(), fn, runtime(t, &log)), "{}")
			var got receipt.Core
			if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != tc.want || got.Status != tc.status || got.In != 3 {
				t.Errorf("%d %s, %v", rec.Code, rec.Body, err)
			}
			if strings.Count(log.String(), "run finished") != 1 || strings.Contains(log.String(), `"ERROR"`) != (tc.err != nil) {
				t.Errorf("log: %s", log.String())
			}
		})
	}
}

func TestWhatNoTriggerSendsIsRefused(t *testing.T) {
	fn := &stub{run: func(context.Context, trigger.Event) (receipt.Receipt, error) {
		return nil, retry.Permanent(&trigger.Error{Envelope: "stub", Reason: "not mine", Status: http.StatusBadRequest})
	}}
	h := serve.NewHandler(t.Context(), fn, runtime(t, io.Discard))
	for _, body := range []string{`{"hello":1}`, `{`, `{}`} { // the last is refused by the function itself
		if rec := post(h, body); rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), `"error":"`) {
			t.Errorf("%s: %d %s", body, rec.Code, rec.Body)
		}
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != http.MethodPost {
		t.Errorf("GET /: %d", rec.Code)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	var log strings.Builder
	fn := &stub{run: func(context.Context, trigger.Event) (receipt.Receipt, error) { panic("secret detail") }}
	rec := post(serve.NewHandler(t.Context(), fn, runtime(t, &log)), "{}")
	if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "secret detail") || !strings.Contains(log.String(), "secret detail") {
		t.Errorf("%d %s, log %s", rec.Code, rec.Body, log.String())
	}
}

func TestHealth(t *testing.T) {
	fn := &stub{}
	h := serve.NewHandler(t.Context(), fn, runtime(t, io.Discard))
	for _, tc := range []struct {
		ready error
		want  int
	}{{nil, http.StatusOK}, {errors.New("no shards yet"), http.StatusServiceUnavailable}} {
		fn.ready = tc.ready
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/healthz", nil))
		if rec.Code != tc.want {
			t.Errorf("%v: %d %s", tc.ready, rec.Code, rec.Body)
		}
	}
}

// When the server stops, runs under way are told so and are waited for, and no
// further one begins.
func TestStop(t *testing.T) {
	stop, cancel := context.WithCancel(t.Context())
	started, ended := make(chan struct{}), false
	fn := &stub{run: func(ctx context.Context, _ trigger.Event) (receipt.Receipt, error) {
		close(started)
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond) // as a commit takes
		ended = true
		c := receipt.Start("stub")
		c.Finish(receipt.Outcome{Status: receipt.OK})
		return &c, nil
	}}
	h := serve.NewHandler(stop, fn, runtime(t, io.Discard))
	answered := make(chan int)
	go func() { answered <- post(h, "{}").Code }()
	<-started
	cancel()
	h.Wait()
	if !ended {
		t.Error("Wait returned while a run was under way")
	}
	if code := <-answered; code != http.StatusOK {
		t.Errorf("the run under way was answered %d", code)
	}
	if rec := post(h, "{}"); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("a run was taken after the stop: %d", rec.Code)
	}
}
