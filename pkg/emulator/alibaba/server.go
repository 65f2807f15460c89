package alibaba

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

// Options describe the cloud. The zero value of a field means its default.
type Options struct {
	// Account is the id of the management account, which AccessKeyID is a key
	// of; "1000000000000001", "ak" and "secret".
	Account         string
	AccessKeyID     string
	AccessKeySecret string
	// Role is the role that each account has; ResourceDirectoryAccountAccessRole.
	// It trusts the management account.
	Role string
	// PageRows is how many tags, or of the Tag service resources, a page holds
	// where the caller does not say; 50.
	PageRows int
	// LongestSession bounds DurationSeconds; 1 h.
	LongestSession time.Duration
	// CallsPerSecond that are taken from an account, of each API; more are
	// answered with Throttling.User. 0 means no limit.
	CallsPerSecond int
	// NotFound has ECS and SLB refuse a call that names a resource which does not
	// exist, with InvalidResourceId.NotFound, rather than to leave it out. Other
	// calls of theirs do so, and their pages list the code for this one.
	NotFound bool
	// Latency is waited before each answer.
	Latency time.Duration
	// Skew is how far the server's clock is ahead.
	Skew time.Duration
	// OIDCToken is the token that AssumeRoleWithOIDC takes; "identity-token".
	OIDCToken string
}

// Server is the cloud. It is an [http.Handler], and safe for concurrent use.
type Server struct {
	// Faults go wrong in front of the service; none until it is armed.
	Faults *fault.Injector

	opts     Options
	handler  http.Handler
	listener *httptest.Server

	mu       sync.Mutex
	accounts map[string]*Account
	keys     map[string]*key
	nonces   map[string]time.Time
	swept    time.Time
	calls    map[Call]int
	ids      map[Call]int
}

// Call is what is counted: requests that were signed as they should be.
type Call struct {
	Account string // whose resources are asked for, or whose role
	Service string // STS, Tag, ECS, SLB
	Action  string
}

// key is an access key, or that of a session.
type key struct {
	secret  string
	account string
	token   string    // of a session
	expires time.Time // of a session
	session string    // its name
}

// New returns a cloud with nothing but the management account.
func New(o Options) *Server {
	o.Account = cmp.Or(o.Account, "1000000000000001")
	o.AccessKeyID = cmp.Or(o.AccessKeyID, "ak")
	o.AccessKeySecret = cmp.Or(o.AccessKeySecret, "secret")
	o.Role = cmp.Or(o.Role, "ResourceDirectoryAccountAccessRole")
	o.PageRows = cmp.Or(o.PageRows, 50)
	o.LongestSession = cmp.Or(o.LongestSession, time.Hour)
	o.OIDCToken = cmp.Or(o.OIDCToken, "identity-token")
	s := &Server{
		Faults: &fault.Injector{Answer: answerFault}, opts: o,
		accounts: map[string]*Account{}, nonces: map[string]time.Time{}, calls: map[Call]int{}, ids: map[Call]int{},
		keys: map[string]*key{o.AccessKeyID: {secret: o.AccessKeySecret, account: o.Account}},
	}
	s.handler = s.Faults.Wrap(http.HandlerFunc(s.serve))
	s.AddAccount(o.Account)
	return s
}

// ServeHTTP answers a request, after the faults.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Start listens on a free port of 127.0.0.1 until [Server.Close], and returns the
// base URL: the endpoint of all services.
func (s *Server) Start() string {
	s.listener = httptest.NewServer(s)
	return s.listener.URL
}

// Close ends what [Server.Start] began.
func (s *Server) Close() {
	if s.listener != nil {
		s.listener.CloseClientConnections()
		s.listener.Close()
	}
}

// Calls returns how often each call was made, whatever it was answered.
func (s *Server) Calls() map[Call]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// IDs returns how many ids or ARNs the calls have asked about.
func (s *Server) IDs() map[Call]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.ids)
}

// Count adds up the calls of an action over accounts and services.
func (s *Server) Count(action string) (n int) {
	for c, calls := range s.Calls() {
		if c.Action == action {
			n += calls
		}
	}
	return n
}

func (s *Server) now() time.Time { return time.Now().Add(s.opts.Skew) }

// random returns a name that cannot be guessed.
func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func requestID() string {
	h := strings.ToUpper(random(16))
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
