package anypoint

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

// Options configure a [Server]; the zero value is a usable one.
type Options struct {
	ClientID     string        // default "client"
	ClientSecret string        // default "secret"
	TokenTTL     time.Duration // default 1h

	// RatePerMinute is the request budget, over all paths; 0 means none.
	RatePerMinute int
	// Sliding counts the requests of the last 60 s; by default those of the
	// minute on the clock are counted.
	Sliding bool
	// Throttle is the status beyond the budget: 503 (default), or 429, which
	// carries Retry-After.
	Throttle int
	// Latency is waited before each answer.
	Latency time.Duration
	// Gzip compresses answers for clients that accept it.
	Gzip bool

	Deviations
}

// Server is the emulator. It is safe for concurrent use.
type Server struct {
	// Faults fail requests before they reach the API and its budget.
	Faults *fault.Injector

	opts   Options
	http   http.Handler
	tokens tokens
	budget budget
	meter  meter

	mu   sync.RWMutex
	orgs map[string]*org
	root string // the first organisation added

	listener *httptest.Server
}

// New returns a server that is not listening yet.
func New(o Options) *Server {
	o.ClientID = or(o.ClientID, "client")
	o.ClientSecret = or(o.ClientSecret, "secret")
	o.TokenTTL = or(o.TokenTTL, time.Hour)
	o.Throttle = or(o.Throttle, http.StatusServiceUnavailable)
	s := &Server{
		Faults: &fault.Injector{},
		opts:   o,
		orgs:   map[string]*org{},
		budget: budget{limit: o.RatePerMinute, sliding: o.Sliding},
	}
	s.Faults.Answer = func(w http.ResponseWriter, _ *http.Request, status int) {
		problem(w, status, "injected fault")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /accounts/api/v2/oauth2/token", s.token)
	mux.HandleFunc("GET /accounts/api/me", s.authorised(s.me))
	mux.HandleFunc("GET /accounts/api/organizations/{org}/hierarchy", s.authorised(s.hierarchy))
	mux.HandleFunc("POST /audit/v2/organizations/{org}/query", s.authorised(s.query))
	mux.HandleFunc("GET /audit/v2/organizations/{org}/platforms", s.authorised(s.platforms))
	s.http = s.meter.wrap(s.Faults.Wrap(s.throttle(s.delay(mux))))
	return s
}

// or returns v, or otherwise when v is zero.
func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// ServeHTTP makes the server a handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }

// Start listens on a free port of 127.0.0.1 until [Server.Close].
func (s *Server) Start() *Server {
	s.listener = httptest.NewUnstartedServer(s)
	s.listener.Listener = must(net.Listen("tcp", "127.0.0.1:0"))
	s.listener.Start()
	return s
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// URL is the base URL of a started server.
func (s *Server) URL() string { return s.listener.URL }

// Close stops a started server.
func (s *Server) Close() {
	if s.listener != nil {
		s.listener.CloseClientConnections()
		s.listener.Close()
	}
}

// throttle refuses what goes beyond the budget.
func (s *Server) throttle(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait, ok := s.budget.take(time.Now())
		if ok {
			next.ServeHTTP(w, r)
			return
		}
		s.meter.throttled()
		if s.opts.Throttle == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", seconds(wait))
			problem(w, http.StatusTooManyRequests, "Too Many Requests")
			return
		}
		problem(w, http.StatusServiceUnavailable, "Service Unavailable")
	})
}

func (s *Server) delay(next http.Handler) http.Handler {
	if s.opts.Latency <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := time.NewTimer(s.opts.Latency)
		defer t.Stop()
		select {
		case <-t.C:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// problem writes an error body as Anypoint's gateways do.
func problem(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]any{"status": status, "message": message})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone is not our concern
}
