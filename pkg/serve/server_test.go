package serve

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// short are limits that a test can wait for. A header may take long: its time runs
// before the client has had a turn.
var short = limits{header: time.Second, body: 300 * time.Millisecond, answer: 300 * time.Millisecond, idle: time.Minute, bytes: 8 << 10}

// unhurried are limits that tell who is slow from a machine that is busy.
var unhurried = limits{header: 5 * time.Second, body: 2 * time.Second, answer: 10 * time.Second, idle: time.Minute, bytes: short.bytes}

// runFunc is a function of its Run.
type runFunc func(context.Context, trigger.Event) (receipt.Receipt, error)

func (f runFunc) Run(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
	return f(ctx, ev)
}

func (runFunc) Close() error { return nil }

// big is a receipt of several megabytes.
type big struct {
	receipt.Core
	Filling string
}

// serveShort serves run under short limits and returns where, a way to stop, and
// how the server ended.
func serveShort(t *testing.T, token string, run runFunc) (addr string, stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	return serveWithin(t, short, token, run)
}

func serveWithin(t *testing.T, l limits, token string, run runFunc) (addr string, stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(t.Context())
	h := NewHandler(ctx, run, WithLog(ctx, "short", log))
	s := &server{handler: h, guarded: requireToken(config.Secret(token), h), log: log, close: func() error { return nil }}
	end := make(chan error, 1)
	go func() { end <- l.serveUntil(ctx, ln, s) }()
	t.Cleanup(stop)
	return ln.Addr().String(), stop, end
}

// say opens a connection, sends text and returns what comes until the server
// closes.
func say(t *testing.T, addr, text string) (answer string, took time.Duration) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	began := time.Now()
	_ = conn.SetDeadline(began.Add(30 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("the server keeps the connection of %.40q", text)
	}
	return string(got), time.Since(began)
}

func done(context.Context, trigger.Event) (receipt.Receipt, error) {
	c := receipt.Start("f")
	c.Finish(receipt.Outcome{Status: receipt.OK})
	return &c, nil
}

// Whoever sends slowly, or nothing, is given up, whether or not the function
// would have listened.
func TestSlowRequests(t *testing.T) {
	addr, _, _ := serveWithin(t, unhurried, "t0ken", done)
	const bearer = "Authorization: Bearer t0ken\r\n"
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":                  {"", ""},
		"half a header":            {"POST / HTTP/1.1\r\nHost: h\r\nX-A: ", ""},
		"half a body":              {"POST / HTTP/1.1\r\nHost: h\r\n" + bearer + "Content-Length: 100\r\n\r\n{", "408 Request Timeout"},
		"half a chunk":             {"POST / HTTP/1.1\r\nHost: h\r\n" + bearer + "Transfer-Encoding: chunked\r\n\r\n64\r\n{", "408 Request Timeout"},
		"half a body, no token":    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{", "401 Unauthorized"},
		"half a body, wrong verb":  {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{", "405 Method Not Allowed"},
		"half a body, health":      {"GET /health HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{", "200 OK"},
		"a header over the limit":  {"POST / HTTP/1.1\r\nHost: h\r\nX-A: " + strings.Repeat("a", 16<<10) + "\r\n\r\n", "431 Request Header"},
		"many headers":             {"POST / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("A: b\r\n", 4<<10) + "\r\n", "431 Request Header"},
		"no HTTP":                  {"\x16\x03\x01\r\n\r\n", "400 Bad Request"},
		"a length that is no such": {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "400 Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, took := say(t, addr, tc.text); !strings.Contains(got, tc.want) || took > 20*time.Second {
				t.Errorf("%q after %v, want %q", got, took, tc.want)
			}
		})
	}
}

// HTTP/2 is spoken by those who do not ask first, as HTTP/1 is: runs longer than a
// request may take are answered, also while the server stops.
func TestHTTP2WithoutTLS(t *testing.T) {
	began := make(chan struct{}, 1)
	addr, stop, ended := serveShort(t, "", func(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
		began <- struct{}{}
		select {
		case <-ctx.Done():
		case <-time.After(4 * short.body):
		}
		return done(ctx, ev)
	})
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols}
	defer transport.CloseIdleConnections()
	for _, stops := range []bool{false, true} {
		if stops {
			go func() { <-began; stop() }()
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.ProtoMajor != 2 || resp.StatusCode != http.StatusOK || !strings.Contains(string(text), `"status":"ok"`) {
			t.Errorf("%s %d %s %v", resp.Proto, resp.StatusCode, text, err)
		}
		_ = resp.Body.Close()
		if !stops {
			<-began
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A run may take longer than a request may: it is not cut off, and the
// connection is still good for the next.
func TestLongRun(t *testing.T) {
	addr, _, _ := serveShort(t, "", func(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
		select {
		case <-ctx.Done():
			c := receipt.Start("f")
			c.Finish(receipt.Outcome{Status: receipt.Failed, Err: ctx.Err()})
			return &c, ctx.Err()
		case <-time.After(4 * short.body):
		}
		return done(ctx, ev)
	})
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for _, body := range []string{"{}", "", "{}"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := req.Write(conn); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%d %s %v", resp.StatusCode, text, err)
		}
	}
}

// A client that goes away is heard of also after the body has been read.
func TestClientGone(t *testing.T) {
	began, heard := make(chan struct{}), make(chan error, 1)
	addr, _, _ := serveShort(t, "", func(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
		close(began)
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Second):
		}
		heard <- ctx.Err()
		return done(ctx, ev)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-began
		time.Sleep(2 * short.body)
		cancel()
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := (&http.Client{Transport: &http.Transport{}}).Do(req); err == nil {
		_ = resp.Body.Close()
		t.Fatal("answered")
	}
	if err := <-heard; err == nil {
		t.Error("the run was not told")
	}
}

// Whoever does not take the answer keeps neither the run nor a stop.
func TestAnswerNotTaken(t *testing.T) {
	addr, stop, ended := serveShort(t, "", func(context.Context, trigger.Event) (receipt.Receipt, error) {
		r := &big{Core: receipt.Start("f"), Filling: strings.Repeat("x", 8<<20)}
		r.Finish(receipt.Outcome{Status: receipt.OK})
		return r, nil
	})
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if tcp, ok := conn.(*net.TCPConn); !ok || tcp.SetReadBuffer(4<<10) != nil {
		t.Fatal("no small buffer")
	}
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // the answer has begun
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the run did not end: %v", err)
	}
}

// A stop ends the run under way, has it answered, and takes no connection more.
func TestStopAnswersFirst(t *testing.T) {
	begun := make(chan struct{})
	addr, stop, ended := serveShort(t, "", func(ctx context.Context, _ trigger.Event) (receipt.Receipt, error) {
		close(begun)
		<-ctx.Done()
		c := receipt.Start("f")
		c.Remaining = []string{"the rest: " + context.Cause(ctx).Error()}
		c.Finish(receipt.Outcome{Status: receipt.Partial})
		return &c, nil
	})
	go func() {
		<-begun
		stop()
	}()
	got, _ := say(t, addr, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}")
	if !strings.Contains(got, "200 OK") || !strings.Contains(got, `"status":"partial"`) || !strings.Contains(got, "shutting down") {
		t.Errorf("answered %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr); err == nil {
		_ = conn.Close()
		t.Error("still listening")
	}
}

// What was never heard of by whoever tries it in a test: a run that the server
// cuts off, or a connection that it closes before the load balancer does.
func TestOrdinaryLimits(t *testing.T) {
	srv := ordinary.httpServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if srv.ReadTimeout != 0 || srv.WriteTimeout != 0 || srv.ReadHeaderTimeout < time.Second || srv.IdleTimeout <= 600*time.Second || srv.MaxHeaderBytes > 1<<20 {
		t.Errorf("%+v", srv)
	}
}

func TestRunEndsBeforeCloudRunGivesUp(t *testing.T) {
	t.Setenv("CLOUD_RUN_TIMEOUT_SECONDS", "2")
	addr, _, _ := serveShort(t, "", func(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 1900*time.Millisecond {
			t.Errorf("deadline %v, %v", time.Until(deadline), ok)
		}
		return done(ctx, ev)
	})
	if got, _ := say(t, addr, "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"); !strings.Contains(got, "200 OK") {
		t.Error(got)
	}
}
