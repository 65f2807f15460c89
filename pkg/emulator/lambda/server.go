// Package lambda is the server side of AWS Lambda's Runtime API
// (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html): what a function's
// process asks for events and hands its answers to. The registration of an
// extension, by which a runtime gets SIGTERM, is there too.
package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// MaxAnswer is how many bytes an answer may have
// (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const MaxAnswer = 6 << 20

// Options are the function's settings.
type Options struct {
	// Timeout is what the function has for an event; 0 means 3 s, the default
	// of the service.
	Timeout time.Duration
}

// Server hands events to one process at a time.
type Server struct {
	timeout time.Duration
	events  chan *invocation
	http    *httptest.Server
	closed  chan struct{}

	mu      sync.Mutex
	running map[string]*invocation
}

type invocation struct {
	id      string
	payload []byte
	done    chan Answer
}

// Answer is what became of an event.
type Answer struct {
	// Payload is what the function returned, or the description of its error.
	Payload []byte
	// Failed tells whether it returned an error.
	Failed bool
}

// Start starts a server on 127.0.0.1. Close it.
func Start(o Options) *Server {
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	s := &Server{timeout: o.Timeout, events: make(chan *invocation), closed: make(chan struct{}), running: map[string]*invocation{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", s.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", s.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", s.response)
	mux.HandleFunc("POST /2020-01-01/extension/register", register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", s.never)
	s.http = httptest.NewServer(mux)
	return s
}

// Address is the value of AWS_LAMBDA_RUNTIME_API.
func (s *Server) Address() string { return strings.TrimPrefix(s.http.URL, "http://") }

// Close ends the server and the calls that wait at it.
func (s *Server) Close() {
	close(s.closed)
	s.http.CloseClientConnections()
	s.http.Close()
}

// Invoke hands an event to the process and waits for its answer, at most until
// ctx ends or the function's time is up; the service would kill it then.
func (s *Server) Invoke(ctx context.Context, payload []byte) (Answer, error) {
	inv := &invocation{id: rand.Text(), payload: payload, done: make(chan Answer, 1)}
	select {
	case s.events <- inv:
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("nobody asks for an event: %w", ctx.Err())
	case <-s.closed:
		return Answer{}, errors.New("the server is closed")
	}
	late := time.NewTimer(s.timeout)
	defer late.Stop()
	select {
	case a := <-inv.done:
		return a, nil
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	case <-late.C:
		return Answer{}, fmt.Errorf("task timed out after %v", s.timeout)
	}
}

func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
		return
	case <-s.closed:
		return
	case inv := <-s.events:
		s.mu.Lock()
		s.running[inv.id] = inv
		s.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(s.timeout).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:siemfeed")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0")
		_, _ = w.Write(inv.payload)
	}
}

func (s *Server) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxAnswer+1))
	if err != nil {
		return // the process went away
	}
	id := r.PathValue("id")
	s.mu.Lock()
	inv := s.running[id]
	delete(s.running, id)
	s.mu.Unlock()
	switch {
	case inv == nil:
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	case len(body) > MaxAnswer:
		inv.done <- Answer{Payload: []byte(`{"errorType":"Function.ResponseSizeTooLarge"}`), Failed: true}
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes).")
		return
	}
	inv.done <- Answer{Payload: body, Failed: strings.HasSuffix(r.URL.Path, "/error")}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func register(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Lambda-Extension-Identifier", rand.Text())
	_, _ = io.WriteString(w, `{"functionName":"siemfeed","functionVersion":"$LATEST","handler":"bootstrap"}`)
}

// never answers: an extension that registered for no events gets none.
func (s *Server) never(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closed:
	}
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": message})
}
