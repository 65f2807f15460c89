package hec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testToken = "11111111-2222-3333-4444-555555555555"

// inMemory answers requests by calling the handler for their host, so that a
// test can run in a synctest bubble. An aborted handler is a broken connection.
type inMemory map[string]http.Handler

func (m inMemory) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer func() { _ = r.Body.Close() }()
	h := m[r.URL.Host]
	if h == nil {
		return nil, errors.New("no such host")
	}
	defer func() {
		if p := recover(); p != nil {
			resp, err = nil, errors.New("connection reset")
		}
	}()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return rec.Result(), nil
}

// quick is a policy whose waits do not slow a test down.
var quick = retry.Policy{Attempts: 8, Base: 2 * time.Millisecond, Max: 20 * time.Millisecond}

// newPair is a client of one emulator, in memory.
func newPair(t *testing.T, srv emulator.Options, opts Options) (*emulator.Server, *Client) {
	t.Helper()
	if srv.Tokens == nil {
		srv.Tokens = []emulator.Token{{Value: testToken, UseACK: opts.Ack}}
	}
	s := emulator.New(srv)
	opts.URLs = []string{"https://a:8088"}
	opts.HTTPClient = &http.Client{Transport: inMemory{"a:8088": s}}
	return s, newClient(t, opts)
}

func newClient(t *testing.T, opts Options) *Client {
	t.Helper()
	set(&opts.Token, testToken)
	if opts.Retry.Attempts == 0 {
		opts.Retry = quick
	}
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func appendEvent(b *Batch, i int, marker string) {
	b.Append(Pos{A: 7, B: uint64(i)}, func(dst []byte) []byte {
		dst = append(dst, `{"time":`...)
		dst = AppendTime(dst, 1700000000, uint32(i), true)
		dst = append(dst, `,"event":{"message":`...)
		dst, _ = AppendString(dst, fmt.Sprintf("event %d %s", i, marker))
		dst = append(dst, `},"fields":{"sls_id":`...)
		dst, _ = AppendString(dst, eventID(i))
		return append(dst, "}}"...)
	})
}

func eventID(i int) string { return fmt.Sprintf("0:100:%d", i) }

// fill returns a batch of n events, of which those that bad accepts carry the
// marker REFUSE.
func fill(t interface{ Fatal(...any) }, c *Client, n int, bad func(int) bool) *Batch {
	b, err := c.Batch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		marker := ""
		if bad != nil && bad(i) {
			marker = "REFUSE"
		}
		appendEvent(b, i, marker)
	}
	return b
}

func refuseMarked(code int) func(emulator.Event) int {
	return func(e emulator.Event) int {
		if bytes.Contains(e.Event, []byte("REFUSE")) {
			return code
		}
		return 0
	}
}

// wantOnce checks that each of n events but the excepted arrived exactly once.
func wantOnce(t interface{ Errorf(string, ...any) }, s *emulator.Server, n int, except func(int) bool) {
	for i := range n {
		want := 1
		if except != nil && except(i) {
			want = 0
		}
		if got := s.Accepted(eventID(i)); got != want {
			t.Errorf("event %d accepted %d times, want %d", i, got, want)
		}
	}
}
