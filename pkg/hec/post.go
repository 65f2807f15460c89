package hec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/siemfeed/siemfeed/pkg/redact"
	"github.com/siemfeed/siemfeed/pkg/version"
)

const (
	pathEvent  = "/services/collector/event"
	pathAck    = "/services/collector/ack"
	pathHealth = "/services/collector/health"

	maxAnswer = 1 << 20 // bytes read of an answer; a poll for a thousand ackIds is 20 KiB
)

// post sends body on a channel and returns the judged answer. Once it has returned,
// nothing reads body any more, so that its buffer can be used again.
func (c *Client) post(ctx context.Context, e *endpoint, channel, path string, body []byte, gzipped bool) (answer, []byte, error) {
	sent := &upload{data: body}
	defer sent.wait()
	return c.do(ctx, e, channel, http.MethodPost, path, sent, gzipped)
}

func (c *Client) do(ctx context.Context, e *endpoint, channel, method, path string, sent *upload, gzipped bool) (answer, []byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.Timeout, fmt.Errorf("no answer within %v", c.opts.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, e.url+path, nil)
	if err != nil {
		return answer{}, nil, fmt.Errorf("HEC %s: %w", e.url, err)
	}
	if sent != nil && len(sent.data) > 0 {
		req.ContentLength = int64(len(sent.data))
		req.Body, req.GetBody = sent.body(), sent.again
	}
	req.Header.Set("Authorization", "Splunk "+c.opts.Token)
	req.Header.Set("User-Agent", version.UserAgent())
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	if gzipped {
		req.Header.Set("Content-Encoding", "gzip")
	}
	if c.opts.Ack {
		req.Header.Set("X-Splunk-Request-Channel", channel)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		return answer{}, nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end or given up
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	a := read(resp.StatusCode, resp.Header, text, err, time.Now(), c.opts.IndexOfEvent)
	a.text = c.excerpt(a.text)
	return a, text, nil
}

// excerpt makes the server's words safe to print.
func (c *Client) excerpt(s string) string {
	const most = 200
	s = redact.Text(strings.ToValidUTF8(s, "?"), c.opts.Token)
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// upload is a request body in a buffer that will be used again. net/http may read
// a body even after the answer has come; it closes it when done. One that it opens
// for a redirect, which is then not followed, it neither reads nor closes.
type upload struct {
	mu      sync.Mutex // held while data is read
	data    []byte
	over    bool          // no reader may begin any more
	readers int           // that have begun and are not closed
	idle    chan struct{} // if not nil, closed when there is none
}

// body is what a request is sent with.
func (u *upload) body() io.ReadCloser {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := &uploadReader{u: u}
	r.begin()
	return r
}

// again is a [http.Request]'s GetBody.
func (u *upload) again() (io.ReadCloser, error) { return &uploadReader{u: u}, nil }

// wait returns once nothing reads the data any more, nor will.
func (u *upload) wait() {
	u.mu.Lock()
	u.over = true
	idle := make(chan struct{})
	if u.idle = idle; u.readers == 0 {
		close(idle)
	}
	u.mu.Unlock()
	<-idle
}

type uploadReader struct {
	u             *upload
	at            int
	began, closed bool
}

// begin has the upload wait for r, if it does not do so yet.
func (r *uploadReader) begin() {
	if !r.began {
		r.began = true
		r.u.readers++
	}
}

var errOver = errors.New("the request is over")

func (r *uploadReader) Read(p []byte) (int, error) {
	r.u.mu.Lock()
	defer r.u.mu.Unlock()
	if r.closed || r.u.over && !r.began {
		return 0, errOver
	}
	r.begin()
	n := copy(p, r.u.data[r.at:])
	if r.at += n; n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (r *uploadReader) Close() error {
	r.u.mu.Lock()
	defer r.u.mu.Unlock()
	if r.began && !r.closed {
		if r.u.readers--; r.u.readers == 0 && r.u.idle != nil {
			close(r.u.idle)
		}
	}
	r.closed = true
	return nil
}
