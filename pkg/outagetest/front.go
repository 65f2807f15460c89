package outagetest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

// Kind is one way in which what a function needs can be down.
type Kind string

// The kinds of outage.
const (
	Refused Kind = "connection refused"
	Silent  Kind = "accepted and never answered"
	Error   Kind = "500 for ever"
	Busy    Kind = "503 for a day"
)

// kinds are all of them, with what each is bound to be told as.
var kinds = map[Kind]string{Refused: "re", Silent: "no answer", Error: "500", Busy: "503"}

// fronts counts those there were in this process, from a number that another
// one hardly begins at.
var fronts atomic.Uint32

func init() { fronts.Store(uint32(os.Getpid()) << 8) } //nolint:gosec // any number does

// Front stands before a server, on an address that stays the same, and can break.
type Front struct {
	addr string
	next http.Handler

	mu     sync.Mutex
	kind   Kind // "" is none
	match  func(*http.Request) bool
	healed chan struct{} // closed when the outage is over
	server *http.Server
}

// NewFront stands before the server at target, its base URL, until the test ends.
func NewFront(t testing.TB, target string) *Front {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		// The Host header is part of signatures, and names buckets and projects.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = u.Scheme, u.Host, r.In.Host
		},
		Transport:    &http.Transport{DisableCompression: true},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { fault.Reset(w) },
	}
	f := &Front{next: proxy, healed: make(chan struct{})}
	// On an address of its own: while it listens to nothing, its port must not
	// be given to anybody else.
	n := fronts.Add(1)
	f.listen(t, fmt.Sprintf("127.%d.%d.%d:0", 1+n>>16&127, n>>8&255, n&255))
	t.Cleanup(func() {
		f.Heal(t)
		f.close(t)
		proxy.Transport.(*http.Transport).CloseIdleConnections() //nolint:forcetypeassert // see above
	})
	return f
}

// URL is the front's base URL.
func (f *Front) URL() string { return "http://" + f.addr }

func (f *Front) listen(t testing.TB, addr string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	go func(s *http.Server) { _ = s.Serve(l) }(f.server) // ends when it is closed
}

func (f *Front) close(t testing.TB) {
	t.Helper()
	if err := f.server.Close(); err != nil {
		t.Error(err)
	}
}

// Break begins an outage of the requests that match accepts; nil means all.
func (f *Front) Break(t testing.TB, kind Kind, match func(*http.Request) bool) {
	t.Helper()
	f.mu.Lock()
	f.kind, f.match = kind, match
	f.mu.Unlock()
	if kind == Refused && match == nil {
		f.close(t)
	}
}

// Heal ends the outage.
func (f *Front) Heal(t testing.TB) {
	t.Helper()
	f.mu.Lock()
	kind, match := f.kind, f.match
	f.kind = ""
	close(f.healed)
	f.healed = make(chan struct{})
	f.mu.Unlock()
	if kind == Refused && match == nil {
		f.listen(t, f.addr)
	}
}

// ServeHTTP implements [http.Handler].
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	kind, match, healed := f.kind, f.match, f.healed
	f.mu.Unlock()
	if match != nil && !match(r) {
		kind = ""
	}
	switch kind {
	case Refused: // as far as a single request can be
		fault.Reset(w)
	case Silent:
		select {
		case <-healed:
			fault.Reset(w)
		case <-r.Context().Done():
		}
	case Error:
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = fmt.Fprint(w, "something broke")
	case Busy:
		w.Header().Set("Retry-After", "86400")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprint(w, "come back tomorrow")
	default:
		f.next.ServeHTTP(w, r)
	}
}
