package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Transport sends requests through next, and notes in the [Watch] of each one's
// context what it came to, under the name that is given to it. Without a watch
// it does nothing else. An answer is good unless its status is 408, 429 or 5xx,
// since any other status is about what was asked, and whoever asked decides.
func Transport(name func(*http.Request) string, next http.RoundTripper) http.RoundTripper {
	return &transport{name, next}
}

// ByMethod names what reads and what writes apart, since a bucket that can be
// read may all the same take nothing.
func ByMethod(variable string) func(*http.Request) string {
	return func(r *http.Request) string {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return variable
		}
		return variable + " (writing)"
	}
}

// Always gives every request the same name.
func Always(variable string) func(*http.Request) string {
	return func(*http.Request) string { return variable }
}

// Client returns a client like c whose requests are watched.
func Client(name func(*http.Request) string, c http.Client) *http.Client {
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	c.Transport = Transport(name, next)
	return &c
}

type transport struct {
	name func(*http.Request) string
	next http.RoundTripper
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] looks for.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	w := from(req.Context())
	if w == nil {
		return t.next.RoundTrip(req)
	}
	c := w.begin(t.name(req), req.URL.Host)
	if req.Body != nil && req.Body != http.NoBody {
		watched := *req // a RoundTripper must not change its request
		watched.Body = &reader{ReadCloser: req.Body, c: c}
		req = &watched
	}
	res, err := t.next.RoundTrip(req)
	if err != nil {
		c.broke(req.Context(), "cannot be reached: "+cause(req.Context(), err))
		w.end(c)
		return nil, err
	}
	c.touch()
	if bad(res.StatusCode) {
		w.failed(c, "answered "+res.Status+quote(req, res))
	}
	res.Body = &answer{reader: reader{ReadCloser: res.Body, c: c}, ctx: req.Context(), good: !bad(res.StatusCode)}
	return res, nil
}

func bad(status int) bool {
	return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// call is one request.
type call struct {
	w          *Watch
	name, host string
	began      time.Time
	at         atomic.Int64 // when a byte last moved, ns
}

func (c *call) touch() { c.at.Store(time.Now().UnixNano()) }

func (c *call) moved() time.Time { return time.Unix(0, c.at.Load()) }

// broke judges a request that ended with an error. Cut off by the run's end it
// is not the peer's fault, unless that had been silent; called off by whoever
// asked, it is nobody's.
func (c *call) broke(ctx context.Context, said string) {
	switch {
	case c.w.run.Err() != nil:
		c.w.cutOff(c)
	case errors.Is(context.Cause(ctx), context.Canceled):
	default:
		c.w.failed(c, said)
	}
}

// cause words an error. One that a deadline of the request's own brought says
// for how long there was no answer.
func cause(ctx context.Context, err error) string {
	if why := context.Cause(ctx); why != nil && !errors.Is(why, ctx.Err()) {
		return why.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return err.Error()
}

// reader notes that bytes move.
type reader struct {
	io.ReadCloser
	c *call
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if n > 0 {
		r.c.touch()
	}
	return n, err
}

// answer is the body of a response. The request is over when it is read to its
// end, breaks off or is closed.
type answer struct {
	reader
	ctx  context.Context
	good bool
	over atomic.Bool
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.reader.Read(p)
	if err != nil && !a.over.Swap(true) {
		switch {
		case errors.Is(err, io.EOF):
			a.done()
		default:
			a.c.broke(a.ctx, "broke off its answer: "+cause(a.ctx, err))
		}
		a.c.w.end(a.c)
	}
	return n, err
}

// Close implements [io.Closer]. Who closes early has read enough.
func (a *answer) Close() error {
	if !a.over.Swap(true) {
		if a.c.w.run.Err() != nil {
			a.c.w.cutOff(a.c)
		} else {
			a.done()
		}
		a.c.w.end(a.c)
	}
	return a.ReadCloser.Close()
}

func (a *answer) done() {
	if a.good {
		a.c.w.answered(a.c)
	}
}

// secrets are the headers that a bad answer must not be quoted for repeating.
var secrets = []string{"Authorization", "X-Acs-Security-Token", "X-Amz-Security-Token", "Cookie"}

// repeats tells whether text may hold what the request proved itself by. A form
// is how credentials are exchanged for a token.
func repeats(text string, req *http.Request) bool {
	if strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return true
	}
	for _, name := range secrets {
		for _, word := range strings.FieldsFunc(req.Header.Get(name), func(r rune) bool { return strings.ContainsRune(" ,;=:", r) }) {
			if len(word) >= 6 && strings.Contains(text, word) {
				return true
			}
		}
	}
	return false
}

// most is how many bytes of a bad answer are quoted.
const most = 200

// quote returns the beginning of a bad answer's text, and leaves the body as it
// was, unless that might show a secret.
func quote(req *http.Request, res *http.Response) string {
	if kind := res.Header.Get("Content-Type"); kind != "" && !isText(kind) || res.Header.Get("Content-Encoding") != "" {
		return ""
	}
	head := make([]byte, 2*most)
	n, err := io.ReadFull(res.Body, head)
	head = head[:n]
	rest := io.Reader(res.Body)
	if err != nil {
		rest = failing{err}
	}
	res.Body = &struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), res.Body}
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(head), "?")), " ")
	if repeats(text, req) {
		return ""
	}
	if text == "" {
		return ""
	}
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return ": " + text
}

func isText(kind string) bool {
	return strings.HasPrefix(kind, "text/") || strings.Contains(kind, "json") || strings.Contains(kind, "xml")
}

// failing gives the error that ended reading ahead.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if errors.Is(f.err, io.ErrUnexpectedEOF) {
		return 0, io.EOF // of ReadFull: the body was shorter than asked for
	}
	return 0, f.err
}

// String keeps what a request holds from being printed with the transport.
func (t *transport) String() string { return fmt.Sprintf("watch.Transport(%T)", t.next) }
