// Package cfqueue emulates the HTTP API of Cloudflare Queues: pulling with a
// visibility timeout, acknowledging and retrying by lease, pushing
// (developers.cloudflare.com/queues/configuration/pull-consumers and
// /api/resources/queues). It keeps the service's limits, dead-letter rules and
// error envelope, and fails on request by [Server.Faults].
package cfqueue

import (
	"crypto/subtle"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

// Options is what the emulated account looks like.
type Options struct {
	// Account is the account's id; empty means "account".
	Account string
	// Token is the one with the permissions Queues Read and Write; empty
	// means "token".
	Token string
	// ReadToken may only read, which is enough to ask how a queue is set up;
	// empty means there is none.
	ReadToken string
}

// Server is the emulated API. It is an [http.Handler], and safe for
// concurrent use.
type Server struct {
	// Faults makes requests fail before they reach the API.
	Faults *fault.Injector

	opts     Options
	handler  http.Handler
	listener *httptest.Server

	mu     sync.Mutex // guards the queues and what is in them
	queues map[string]*Queue
}

// New returns an account without queues.
func New(opts Options) *Server {
	if opts.Account == "" {
		opts.Account = "account"
	}
	if opts.Token == "" {
		opts.Token = "token"
	}
	s := &Server{Faults: &fault.Injector{}, opts: opts, queues: map[string]*Queue{}}
	s.Faults.Answer = func(w http.ResponseWriter, _ *http.Request, status int) {
		fail(w, status, 10001, "injected fault")
	}
	const queue = "/client/v4/accounts/{account}/queues/{queue}"
	const path = "POST " + queue + "/messages"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+queue, s.authorised(info))
	mux.HandleFunc("GET "+queue+"/metrics", s.authorised(metrics))
	mux.HandleFunc(path, s.authorised(push))
	mux.HandleFunc(path+"/pull", s.authorised(pull))
	mux.HandleFunc(path+"/ack", s.authorised(settle))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, 7003, "Could not route to "+r.URL.Path+", perhaps your object identifier is invalid?")
	})
	s.handler = s.Faults.Wrap(mux)
	return s
}

// AddQueue creates a queue with the given id, or returns the one there is. A
// dead-letter queue that does not exist yet is created with the defaults.
func (s *Server) AddQueue(id string, opts QueueOptions) *Queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addQueue(id, opts)
}

func (s *Server) addQueue(id string, opts QueueOptions) *Queue {
	if q, ok := s.queues[id]; ok {
		return q
	}
	switch {
	case opts.MaxRetries == 0:
		opts.MaxRetries = 3
	case opts.MaxRetries < 0:
		opts.MaxRetries = 0
	default:
		opts.MaxRetries = min(opts.MaxRetries, maxMaxRetries)
	}
	if opts.Retention == 0 {
		opts.Retention = 4 * 24 * time.Hour
	}
	q := &Queue{id: id, opts: opts, mu: &s.mu, leases: map[string]*message{}}
	s.queues[id] = q
	if opts.DeadLetter != "" {
		q.dead = s.addQueue(opts.DeadLetter, QueueOptions{})
	}
	return q
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Start listens on a free port of 127.0.0.1 until [Server.Close].
func (s *Server) Start() *Server {
	s.listener = httptest.NewServer(s)
	return s
}

// URL is the API's base URL on a started server, for CF_API_BASE_URL.
func (s *Server) URL() string { return s.listener.URL + "/client/v4" }

// Close stops a started server.
func (s *Server) Close() {
	if s.listener != nil {
		s.listener.CloseClientConnections()
		s.listener.Close()
	}
}

// authorised checks the token before anything else, as the API does, and
// finds the queue.
func (s *Server) authorised(h func(http.ResponseWriter, *http.Request, *Queue)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		is := func(want string) bool {
			return want != "" && subtle.ConstantTimeCompare([]byte(token), []byte(want)) == 1
		}
		switch {
		case scheme != "Bearer" || token == "":
			fail(w, http.StatusBadRequest, 6003, "Invalid request headers")
			return
		case is(s.opts.ReadToken) && r.Method != http.MethodGet:
			fail(w, http.StatusForbidden, 10000, "Authentication error")
			return
		case !is(s.opts.Token) && !is(s.opts.ReadToken):
			fail(w, http.StatusUnauthorized, 10000, "Authentication error")
			return
		case r.PathValue("account") != s.opts.Account:
			fail(w, http.StatusNotFound, 7003, "Could not route to "+r.URL.Path+", perhaps your object identifier is invalid?")
			return
		}
		s.mu.Lock()
		q, ok := s.queues[r.PathValue("queue")]
		s.mu.Unlock()
		if !ok {
			fail(w, http.StatusNotFound, 11000, "queue not found")
			return
		}
		h(w, r, q)
	}
}
