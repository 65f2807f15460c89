package sls

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

// Options describe the service. The zero value of a field means its default.
type Options struct {
	Project         string // "project"
	Logstore        string // "logstore"
	Shards          int    // of the first logstore, 2
	AccessKeyID     string // "ak"
	AccessKeySecret string // "secret"
	SecurityToken   string // demanded when set
	Region          string // demanded of v4 signatures when set
	// ConsumeProcessors are those of each project: SPL by name.
	ConsumeProcessors map[string]string
	// Misspelt has the service say …NotExsit for …NotExist, as it has been seen
	// to: the Go SDK compares only with that (consumer/shard_worker.go).
	Misspelt bool
	// GroupsPerLogstore lets logstores of one project have groups of one name.
	// The documentation of CreateConsumerGroup says that a name is unique in its
	// project; what is answered where it is not is inferred.
	GroupsPerLogstore bool
	// Skew is how far the server's clock is ahead.
	Skew time.Duration
	// MaxPutBytes and MaxPutLogs bound a write: 10 MiB, which is what PutLogs says
	// today, and 512,000, which is what Python's SDK does. Until 2021 they were
	// 3 MB and 4096.
	MaxPutBytes, MaxPutLogs int
	// MaxKeyBytes bounds the keys of logs that are written; zero does not. The page
	// on the formats of a log has 128; that writes are refused for it is inferred.
	MaxKeyBytes int
	// MaxPullBytes ends a pull's answer after that many raw bytes; 10 MiB.
	MaxPullBytes int
	// Quota limits; zero means none. The vendor's are 100 reads/s a shard,
	// 10 MB/s read and 5 MB/s written.
	ReadsPerSecond  int
	ReadBytesPerSec int
	WriteBytesPerS  int
}

// Server is the service. Its methods are safe for concurrent use.
type Server struct {
	// Faults go wrong in front of the service; none until it is armed.
	Faults *fault.Injector

	opts     Options
	handler  http.Handler
	request  atomic.Int64
	listener *httptest.Server
	naming   sync.Mutex // of consumer groups

	mu     sync.Mutex
	stores map[string]map[string]*Logstore
	calls  map[string]int
}

// New returns a service with one logstore.
func New(o Options) *Server {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&o.Project, "project")
	def(&o.Logstore, "logstore")
	def(&o.AccessKeyID, "ak")
	def(&o.AccessKeySecret, "secret")
	if o.Shards == 0 {
		o.Shards = 2
	}
	if o.MaxPullBytes == 0 {
		o.MaxPullBytes = 10 << 20
	}
	if o.MaxPutBytes == 0 {
		o.MaxPutBytes = maxBody
	}
	if o.MaxPutLogs == 0 {
		o.MaxPutLogs = 512_000
	}
	s := &Server{opts: o, stores: map[string]map[string]*Logstore{}, calls: map[string]int{}}
	s.handler = http.HandlerFunc(s.serve)
	s.Faults = &fault.Injector{Answer: answerFault}
	s.handler = s.Faults.Wrap(s.handler)
	s.AddLogstore(o.Project, o.Logstore, o.Shards)
	return s
}

// AddLogstore adds an empty logstore, and its project if that is new.
func (s *Server) AddLogstore(project, logstore string, shards int) *Logstore {
	l := newLogstore(&s.opts, shards)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stores[project] == nil {
		s.stores[project] = map[string]*Logstore{}
	}
	s.stores[project][logstore] = l
	return l
}

// Logstore returns the logstore the server was made with.
func (s *Server) Logstore() *Logstore {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stores[s.opts.Project][s.opts.Logstore]
}

// Calls returns how often each API was called, by name.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]int, len(s.calls))
	for k, v := range s.calls {
		out[k] = v
	}
	return out
}

// Start listens on a free port of 127.0.0.1 until [Server.Close].
func (s *Server) Start() *Server {
	s.listener = httptest.NewServer(s)
	return s
}

// URL is the base URL of a started server, an endpoint for the client: which
// project is meant stands in the Host header.
func (s *Server) URL() string { return s.listener.URL }

// Close stops a started server.
func (s *Server) Close() {
	if s.listener != nil {
		s.listener.CloseClientConnections()
		s.listener.Close()
	}
}

// ServeHTTP answers a request, after the faults.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// maxBody is the most that is read of a body, and what the service takes of a
// write's, uncompressed.
const maxBody = 10 << 20

// call is one request that passed authentication.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	body  []byte
	query map[string][]string
	path  []string // below /logstores/{logstore}
	store *Logstore

	server  *Server
	project string
}

func (c *call) get(k string) string {
	if v := c.query[k]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-log-requestid", fmt.Sprintf("EMU%016X", s.request.Add(1)))
	w.Header().Set("Server", "nginx")
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return // the caller is gone
	}
	if err := s.authenticate(r, body); err != nil {
		writeError(w, err)
		return
	}
	c := &call{w: w, r: r, body: body, query: r.URL.Query()}
	if err := s.route(c); err != nil {
		if s.opts.Misspelt {
			err = misspelt(err)
		}
		writeError(w, err)
	}
}

func (s *Server) route(c *call) error {
	project, _, _ := strings.Cut(c.r.Host, ".")
	path := strings.Split(strings.Trim(c.r.URL.Path, "/"), "/")
	s.mu.Lock()
	stores, ok := s.stores[project]
	s.mu.Unlock()
	if !ok {
		return errf(404, "ProjectNotExist", "The Project does not exist : %s", project)
	}
	if c.r.Method == http.MethodGet && len(path) == 2 && path[0] == "consumeprocessors" {
		return getConsumeProcessor(c, &s.opts, path[1])
	}
	if len(path) < 2 || path[0] != "logstores" {
		return errf(404, "InvalidResource", "no such resource")
	}
	s.mu.Lock()
	c.store = stores[path[1]]
	s.mu.Unlock()
	if c.store == nil {
		return errf(404, "LogStoreNotExist", "logstore %s does not exist", path[1])
	}
	c.path, c.server, c.project = path[2:], s, project
	name, handle := find(c)
	if handle == nil {
		return errf(405, "InvalidMethod", "the method is not allowed")
	}
	s.mu.Lock()
	s.calls[name]++
	s.mu.Unlock()
	return handle(c)
}

// find names the API of a request.
func find(c *call) (string, func(*call) error) {
	kind := c.r.Method
	for i, p := range c.path {
		if i%2 == 0 {
			kind += " " + p
		} else {
			kind += " *"
		}
	}
	switch kind {
	case "GET":
		return "GetHistograms", getHistograms
	case "POST", "POST shards *":
		switch {
		case len(c.path) == 0, c.path[1] == "lb", c.path[1] == "route":
			return "PutLogs", putLogs
		case c.get("action") == "split":
			return "SplitShard", splitShard
		case c.get("action") == "merge":
			return "MergeShards", mergeShards
		}
	case "POST logs":
		return "GetLogs", getLogs
	case "GET index":
		return "GetIndex", getIndex
	case "GET shards":
		return "ListShards", listShards
	case "GET shards *":
		switch c.get("type") {
		case "cursor":
			return "GetCursor", getCursor
		case "cursor_time":
			return "GetCursorTime", getCursorTime
		case "log", "logs":
			return "PullLogs", pullLogs
		}
	case "GET consumergroups":
		return "ListConsumerGroup", listGroups
	case "POST consumergroups":
		return "CreateConsumerGroup", createGroup
	case "PUT consumergroups *":
		return "UpdateConsumerGroup", updateGroup
	case "DELETE consumergroups *":
		return "DeleteConsumerGroup", deleteGroup
	case "GET consumergroups *":
		return "GetCheckPoint", getCheckpoints
	case "POST consumergroups *":
		switch c.get("type") {
		case "heartbeat":
			return "HeartBeat", heartbeat
		case "checkpoint":
			return "UpdateCheckPoint", updateCheckpoint
		}
	}
	return "", nil
}

func (c *call) json(v any) error {
	c.w.Header().Set("Content-Type", "application/json")
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, _ = c.w.Write(b)
	return nil
}
