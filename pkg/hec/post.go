package hec

import (
	"bytes"
	"context"
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
		req.GetBody = sent.open
		req.Body, _ = sent.open() // never fails
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

// upload is a request body in a buffer that will be used again. net/http may
// read a body even after the answer has come; it closes it when done.
type upload struct {
	data    []byte
	readers sync.WaitGroup
}

func (u *upload) open() (io.ReadCloser, error) {
	u.readers.Add(1)
	return &uploadReader{Reader: bytes.NewReader(u.data), done: sync.OnceFunc(u.readers.Done)}, nil
}

func (u *upload) wait() { u.readers.Wait() }

type uploadReader struct {
	*bytes.Reader
	done func()
}

func (r *uploadReader) Close() error {
	r.done()
	return nil
}
