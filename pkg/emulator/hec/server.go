package hec

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

// Server is the collector. It is an [http.Handler]; [Server.Start] gives it
// a port of its own.
type Server struct {
	// Faults are injected in front of everything.
	Faults *fault.Injector

	handler  http.Handler
	listener *httptest.Server

	mu       sync.Mutex
	opts     Options
	stats    Stats
	record   record
	channels channels
	queue    queue
}

// New returns a server that has recorded nothing and is not listening yet.
func New(opts Options) *Server {
	s := &Server{
		Faults:   &fault.Injector{Answer: writeFault},
		opts:     opts.withDefaults(),
		record:   record{counts: map[string]int{}, acked: map[string]struct{}{}},
		channels: channels{},
	}
	s.handler = s.Faults.Wrap(s.routes())
	return s
}

// Set changes the options of a running server.
func (s *Server) Set(change func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Tokens = slices.Clone(s.opts.Tokens) // requests under way hold the old ones
	change(&s.opts)
	s.opts = s.opts.withDefaults()
}

func (s *Server) options() Options {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts
}

// RestartAcks loses every pending acknowledgement and numbers from 0 again, as
// a restart of the ack service or the expiry of an idle channel does.
func (s *Server) RestartAcks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels = channels{}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.stats.Requests++
	s.mu.Unlock()
	s.handler.ServeHTTP(w, r)
}

// Start listens on a free port of 127.0.0.1 until [Server.Close].
func (s *Server) Start() *Server {
	s.listener = httptest.NewServer(s)
	return s
}

// URL is the base URL of a started server.
func (s *Server) URL() string { return s.listener.URL }

// Close cuts every connection and stops a started server.
func (s *Server) Close() {
	if s.listener != nil {
		s.listener.CloseClientConnections()
		s.listener.Close()
	}
}
