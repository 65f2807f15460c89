package hec

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Server is the collector. It is an [http.Handler]; [Server.Start] also serves
// it on a port of its own.
type Server struct {
	handler http.Handler

	mu       sync.Mutex
	opts     Options
	stats    Stats
	record   record
	channels channels
	queue    queue
	http     *http.Server
	done     chan error
}

// New returns a server with nothing recorded.
func New(opts Options) *Server {
	s := &Server{
		opts:     opts.withDefaults(),
		record:   record{counts: map[string]int{}, acked: map[string]struct{}{}},
		channels: channels{},
	}
	if s.opts.Faults.Answer == nil {
		s.opts.Faults.Answer = writeFault
	}
	s.handler = s.opts.Faults.Wrap(s.routes())
	return s
}

// Set changes the options of a running server, all but Faults.
func (s *Server) Set(change func(*Options)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := s.opts.Faults
	s.opts.Tokens = slices.Clone(s.opts.Tokens) // requests under way hold the old ones
	change(&s.opts)
	s.opts.Faults = faults
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

// Start serves on addr ("127.0.0.1:0" for any free port) until [Server.Close]
// and returns the base URL.
func (s *Server) Start(addr string) (string, error) {
	l, err := net.Listen("tcp", addr) //nolint:noctx // closed by Close
	if err != nil {
		return "", fmt.Errorf("start HEC emulator: %w", err)
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	s.mu.Lock()
	s.http, s.done = srv, done
	s.mu.Unlock()
	go func() { done <- srv.Serve(l) }()
	return "http://" + l.Addr().String(), nil
}

// Close cuts every connection and waits for the server to end.
func (s *Server) Close() error {
	s.mu.Lock()
	srv, done := s.http, s.done
	s.http = nil
	s.mu.Unlock()
	if srv == nil {
		return nil
	}
	err := srv.Close()
	<-done // http.ErrServerClosed, by the line above
	return err
}
