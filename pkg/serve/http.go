package serve

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/telemetry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Handler serves a function over HTTP. Build it with [NewHandler].
type Handler struct {
	fn   Function
	rt   Runtime
	stop context.Context // ends when the server shuts down

	mu      sync.Mutex // guards runs against Wait
	runs    sync.WaitGroup
	stopped bool
}

// NewHandler returns a handler for fn. When stop ends, the runs under way are
// told to finish and no new one is taken.
func NewHandler(stop context.Context, fn Function, rt Runtime) *Handler {
	return &Handler{fn: fn, rt: rt, stop: stop}
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/health", r.URL.Path == "/healthz":
		h.health(w)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		answer(w, http.StatusMethodNotAllowed, failure{Error: "POST the trigger's event here"})
	case !h.begin():
		answer(w, http.StatusServiceUnavailable, failure{Error: "shutting down: deliver again"})
	default:
		defer h.runs.Done()
		h.run(w, r)
	}
}

// Wait returns once no run is under way; call it after stop has ended.
func (h *Handler) Wait() {
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	h.runs.Wait()
}

// background starts what a [Background] function does, as one more run. The
// channel hears of the error that ends it.
func (h *Handler) background() <-chan error {
	broken := make(chan error, 1)
	if b, ok := h.fn.(Background); ok {
		h.runs.Go(func() {
			if err := b.Background(h.stop); err != nil {
				broken <- err
			}
		})
	}
	return broken
}

func (h *Handler) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped || h.stop.Err() != nil {
		return false
	}
	h.runs.Add(1)
	return true
}

// Readier is a [Function] that can tell whether it is able to work.
type Readier interface{ Ready() error }

func (h *Handler) health(w http.ResponseWriter) {
	if f, ok := h.fn.(Readier); ok {
		if err := f.Ready(); err != nil {
			answer(w, http.StatusServiceUnavailable, failure{Error: err.Error()})
			return
		}
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (h *Handler) run(w http.ResponseWriter, r *http.Request) {
	ctx := telemetry.WithTrace(r.Context(), r.Header)
	if err := h.attend(ctx, func(ctx context.Context) { h.post(ctx, w, r) }); err != nil {
		answer(w, http.StatusInternalServerError, failure{Error: err.Error()})
	}
}

// attend calls work under a context that ends when the process is to stop, and
// before a deadline at which the platform would cut it off. Its error is
// errPanic or nil.
func (h *Handler) attend(ctx context.Context, work func(context.Context)) (err error) {
	ctx, done := beforeDeadline(ctx)
	defer done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(h.stop, func() { cancel(errStopping) })()
	defer func() {
		if p := recover(); p != nil {
			h.rt.Log.ErrorContext(ctx, "panic", "panic", p, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	work(ctx)
	return nil
}

func (h *Handler) post(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	ev, err := trigger.FromHTTP(r, 0)
	if err != nil {
		status := http.StatusInternalServerError
		var refused *trigger.Error
		switch {
		case errors.As(err, &refused):
			status = refused.Status
		case errors.Is(err, os.ErrDeadlineExceeded):
			status = http.StatusRequestTimeout
		}
		h.rt.Log.WarnContext(ctx, "event refused", "error", err.Error())
		answer(w, status, failure{Error: err.Error()})
		return
	}
	arrived(w)
	if ev.Kind == trigger.Verify {
		v, status, err := Verify(ctx, h.fn, ev, h.rt)
		if err != nil {
			answer(w, status, failure{Error: err.Error()})
			return
		}
		answer(w, status, v)
		return
	}
	rec, status, err := Execute(ctx, h.fn, ev, h.rt)
	if rec == nil {
		answer(w, status, failure{Error: err.Error()})
		return
	}
	answer(w, status, rec)
}

// beforeDeadline ends a run a tenth of its time, at most 10 s, before the
// platform stops to wait for it: for the receipt, the metrics and the answer.
func beforeDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	margin := min(10*time.Second, time.Until(deadline)/10)
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

var (
	errStopping = errors.New("the instance is shutting down")
	errPanic    = errors.New("internal error: see the log")
)

// failure is the answer where there is no receipt to give.
type failure struct {
	Status receipt.Status `json:"status"`
	Error  string         `json:"error"`
}

func answer(w http.ResponseWriter, status int, body any) {
	if f, ok := body.(failure); ok {
		f.Status = receipt.Failed
		body = f
	}
	data, err := json.Marshal(body)
	if err != nil { // a receipt that cannot be encoded is a programming error
		status, data = http.StatusInternalServerError, []byte(`{"status":"failed","error":"receipt not encodable"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)+1))
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(append(data, '\n'))
	// Out before the run counts as over, since the process may end right then.
	_ = http.NewResponseController(w).Flush()
}
