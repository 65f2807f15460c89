package hec

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	post := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				writeHTML(w, http.StatusMethodNotAllowed)
				return
			}
			h(w, r)
		}
	}
	for _, path := range []string{"/services/collector", "/services/collector/event", "/services/collector/event/1.0"} {
		mux.HandleFunc(path, post(s.events(false)))
	}
	mux.HandleFunc("/services/collector/raw", post(s.events(true)))
	mux.HandleFunc("/services/collector/raw/1.0", post(s.events(true)))
	mux.HandleFunc("/services/collector/ack", post(s.ack))
	mux.HandleFunc("/services/collector/health", s.health)
	mux.HandleFunc("/services/collector/health/1.0", s.health)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusNotFound, answer{Text: "The requested URL was not found on this server.", Code: http.StatusNotFound})
	})
	return mux
}

// authorize finds the request's token, or the code that refuses it.
func authorize(o *Options, r *http.Request) (Token, int) {
	header := r.Header.Get("Authorization")
	scheme, value, _ := strings.Cut(header, " ")
	switch {
	case header == "" && r.URL.Query().Has("token"):
		if !o.QueryToken {
			return Token{}, 16
		}
		value = r.URL.Query().Get("token")
	case header == "":
		return Token{}, 2
	case strings.EqualFold(scheme, "Splunk"):
		value = strings.TrimSpace(value)
	case strings.EqualFold(scheme, "Basic"):
		plain, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return Token{}, 3
		}
		_, value, _ = strings.Cut(string(plain), ":")
	default:
		return Token{}, 3
	}
	token, ok := o.token(value)
	switch {
	case value == "":
		return Token{}, 3
	case !ok:
		return Token{}, 4
	case token.Disabled:
		return Token{}, 1
	}
	return token, 0
}

var guid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// channelOf finds the request's channel, which a token with acknowledgement
// requires.
func channelOf(r *http.Request, required bool) (string, int) {
	c := r.Header.Get("X-Splunk-Request-Channel")
	if c == "" {
		c = r.URL.Query().Get("channel")
	}
	switch {
	case c == "" && required:
		return "", 10
	case c != "" && !guid.MatchString(c):
		return "", 11
	}
	return strings.ToLower(c), 0
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	o := s.options()
	if r.Header.Get("Authorization") != "" { // the token is looked at only if given, with codes of its own
		switch _, code := authorize(&o, r); code {
		case 0:
		case 1:
			writeCode(w, 22)
			return
		default:
			writeCode(w, 21)
			return
		}
	}
	code := o.HealthCode
	if code == 17 && o.Busy {
		code = 18
	}
	writeCode(w, code)
}

func (s *Server) ack(w http.ResponseWriter, r *http.Request) {
	o := s.options()
	token, code := authorize(&o, r)
	var channel string
	if code == 0 {
		channel, code = channelOf(r, true)
	}
	if code == 0 && !token.UseACK {
		code = 14
	}
	var query struct {
		Acks []int64 `json:"acks"`
	}
	if code == 0 && json.NewDecoder(io.LimitReader(r.Body, 16<<20)).Decode(&query) != nil {
		code = 6
	}
	if code != 0 {
		writeCode(w, code)
		return
	}
	reply := struct {
		Acks map[int64]bool `json:"acks"`
	}{map[int64]bool{}}
	s.mu.Lock()
	s.stats.Polls++
	for _, id := range query.Acks {
		if o.AckNever {
			reply.Acks[id] = false
			continue
		}
		ids, indexed := s.channels.take(channel, id, time.Now())
		reply.Acks[id] = indexed
		s.record.ack(ids)
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, reply)
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// read unpacks the body into buf. It returns the length as sent and, where
// HEC would not get to see the body, an HTTP status.
func read(o *Options, r *http.Request, buf *bytes.Buffer) (wire int64, status int) {
	if r.ContentLength > o.MaxContentLength {
		return 0, http.StatusRequestEntityTooLarge
	}
	sent := &counter{r: io.LimitReader(r.Body, o.MaxContentLength+1)}
	var plain io.Reader = sent
	encoding := r.Header.Get("Content-Encoding")
	if o.Gzip == LosesEncoding {
		encoding = ""
	}
	switch {
	case encoding == "" || encoding == "identity":
	case encoding == "gzip" && o.Gzip == TakesGzip:
		z, err := gzip.NewReader(sent)
		if errors.Is(err, io.EOF) && sent.n == 0 {
			return 0, 0 // an empty body is no data, not bad data
		}
		if err != nil {
			return sent.n, http.StatusBadRequest
		}
		plain = z
	default:
		return 0, http.StatusUnsupportedMediaType
	}
	n, err := buf.ReadFrom(io.LimitReader(plain, o.MaxContentLength+1))
	if n > o.MaxContentLength || sent.n > o.MaxContentLength {
		return sent.n, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return sent.n, http.StatusBadRequest
	}
	return sent.n, 0
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
