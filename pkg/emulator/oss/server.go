package oss

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

// Options is what the emulated account looks like; an empty field has the
// default named.
type Options struct {
	AccessKeyID     string // "ak"
	AccessKeySecret string // "secret"
	// SecurityToken makes the key a temporary one: it is asked for then.
	SecurityToken string
	Region        string // "cn-hangzhou"
	// Latency is waited before each answer.
	Latency time.Duration
	// ExistsFirst makes a CompleteMultipartUpload with x-oss-forbid-overwrite
	// answer 409 FileAlreadyExists, rather than 404 NoSuchUpload, once its
	// upload is over and the object is there. No page says which is looked at
	// first.
	ExistsFirst bool
	// Now is the service's clock, [time.Now] by default.
	Now func() time.Time
}

// Server is the emulated service. It is an [http.Handler], and safe for
// concurrent use.
type Server struct {
	// Faults makes requests fail before they reach the service.
	Faults *fault.Injector

	opts     Options
	handler  http.Handler
	listener *httptest.Server

	mu      sync.Mutex // guards the buckets, what is in them, and denied
	buckets map[string]*Bucket
	denied  []string
	seen    map[string]int
}

// New returns an account without buckets.
func New(opts Options) *Server {
	opts.AccessKeyID = cmp.Or(opts.AccessKeyID, "ak")
	opts.AccessKeySecret = cmp.Or(opts.AccessKeySecret, "secret")
	opts.Region = cmp.Or(opts.Region, "cn-hangzhou")
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Server{Faults: &fault.Injector{}, opts: opts, buckets: map[string]*Bucket{}, seen: map[string]int{}}
	s.Faults.Answer = func(w http.ResponseWriter, r *http.Request, status int) {
		code := map[int]string{500: "InternalError", 503: "ServiceUnavailable", 429: "TooManyRequests", 403: "AccessDenied", 401: "AccessDenied"}[status]
		stamp(w)
		fail(status, code, "injected fault").write(w, r)
	}
	s.handler = s.Faults.Wrap(http.HandlerFunc(s.answer))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Start serves on a free port of 127.0.0.1 and returns the base URL; [Server.Close] ends it.
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

// Deny takes permissions away, by the names that RAM policies use, such as
// oss:GetBucketVersioning (help/user-guide/ram-policy-overview).
func (s *Server) Deny(actions ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = append(s.denied, actions...)
}

// Requests counts the requests of an operation, such as PutObject, that got
// past the signature.
func (s *Server) Requests(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[operation]
}

// call is a request on its way.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	query  url.Values
	bucket string
	key    string
	body   []byte
	// content, if set, sends an object's bytes once the rest is done.
	content func()
}

// operation is what a request can ask for.
type operation struct {
	name   string
	action string // the permission it needs
	run    func(s *Server, b *Bucket, c *call) *failure
}

// stamp sets what every answer carries (help/developer-reference/common-http-headers).
func stamp(w http.ResponseWriter) {
	w.Header().Set("x-oss-request-id", strings.ToUpper(rand.Text()[:24]))
	w.Header().Set("Server", "AliyunOSS")
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	stamp(w)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away: nothing is done with half a body
	}
	if s.opts.Latency > 0 {
		time.Sleep(s.opts.Latency)
	}
	c := &call{w: w, r: r, body: body}
	f := s.serve(c)
	switch {
	case f != nil:
		f.write(w, r)
	case c.content != nil:
		c.content() // without the lock: who reads it may take time
	}
}

func (s *Server) serve(c *call) *failure {
	if f := c.address(); f != nil {
		return f
	}
	if f := s.authenticate(c); f != nil {
		return f
	}
	op := c.operation()
	if op == nil {
		return fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[op.name]++
	b, ok := s.buckets[c.bucket]
	switch {
	case !ok:
		return fail(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist.")
	case slices.Contains(s.denied, op.action):
		return denied("You have no right to access this object because of bucket acl.")
	}
	return op.run(s, b, c)
}

// address finds the bucket and the key. A host that is a name carries the
// bucket as its first label; one that is an address cannot, and there it is the
// first segment of the path (SDK: client.go, resolveUrlStyle and buildURL).
func (c *call) address() *failure {
	var err error
	if c.query, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		return invalid("the query is not readable")
	}
	rest := strings.TrimPrefix(c.r.URL.EscapedPath(), "/")
	host := c.r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" || net.ParseIP(strings.Trim(host, "[]")) != nil {
		c.bucket, rest, _ = strings.Cut(rest, "/")
	} else {
		c.bucket, _, _ = strings.Cut(host, ".")
	}
	if c.key, err = url.PathUnescape(rest); err != nil {
		return fail(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	// help/user-guide/object-naming-conventions
	if len(c.key) > 1023 || strings.HasPrefix(c.key, "/") || strings.HasPrefix(c.key, `\`) {
		return fail(http.StatusBadRequest, "InvalidObjectName", "The specified object is not valid.")
	}
	return nil
}

// operation tells operations apart by method and sub-resource
// (help/developer-reference/list-of-operations-by-function).
func (c *call) operation() *operation {
	has := c.query.Has
	if c.key == "" {
		switch {
		case c.r.Method == http.MethodPost && has("delete"):
			return &operation{"DeleteMultipleObjects", "oss:DeleteObject", deleteMany}
		case c.r.Method != http.MethodGet:
			return nil
		case has("versioning"):
			return &operation{"GetBucketVersioning", "oss:GetBucketVersioning", getVersioning}
		case has("bucketInfo"):
			return &operation{"GetBucketInfo", "oss:GetBucketInfo", getInfo}
		case has("location"):
			return &operation{"GetBucketLocation", "oss:GetBucketLocation", getLocation}
		case has("uploads"):
			return &operation{"ListMultipartUploads", "oss:ListMultipartUploads", listUploads}
		case c.query.Get("list-type") == "2":
			return &operation{"ListObjectsV2", "oss:ListObjects", list}
		}
		return nil
	}
	switch c.r.Method {
	case http.MethodPut:
		switch {
		case has("uploadId"):
			return &operation{"UploadPart", "oss:PutObject", uploadPart}
		case c.r.Header.Get("x-oss-copy-source") != "":
			return &operation{"CopyObject", "oss:PutObject", copyObject}
		}
		return &operation{"PutObject", "oss:PutObject", putObject}
	case http.MethodPost:
		switch {
		case has("uploads"):
			return &operation{"InitiateMultipartUpload", "oss:PutObject", initiate}
		case has("uploadId"):
			return &operation{"CompleteMultipartUpload", "oss:PutObject", complete}
		}
	case http.MethodGet:
		return &operation{"GetObject", "oss:GetObject", getObject}
	case http.MethodHead:
		return &operation{"HeadObject", "oss:GetObject", getObject}
	case http.MethodDelete:
		if has("uploadId") {
			return &operation{"AbortMultipartUpload", "oss:AbortMultipartUpload", abort}
		}
		return &operation{"DeleteObject", "oss:DeleteObject", deleteObject}
	}
	return nil
}

func (c *call) xml(v any) *failure {
	var out bytes.Buffer
	out.WriteString(xml.Header)
	if err := xml.NewEncoder(&out).Encode(v); err != nil {
		return fail(http.StatusInternalServerError, "InternalError", "%v", err)
	}
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.Header().Set("Content-Length", fmt.Sprint(out.Len()))
	_, _ = c.w.Write(out.Bytes())
	return nil
}
