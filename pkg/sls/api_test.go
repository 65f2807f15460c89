package sls_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

func TestGroups(t *testing.T) {
	s := startServer(t, emulator.Options{})
	c := newClient(t, s, sls.Options{})
	ctx := t.Context()
	// Created although the answer was lost, then changed, then left as it is.
	s.Faults.Next(fault.ResetAfter, nil)
	for _, g := range []sls.ConsumerGroup{{Name: "g", Timeout: 10}, {Name: "g", Timeout: 20, Order: true}, {Name: "g", Timeout: 20, Order: true}} {
		if err := c.EnsureGroup(ctx, g); err != nil {
			t.Fatal(err)
		}
		if got, err := c.ConsumerGroups(ctx); err != nil || len(got) != 1 || got[0] != g {
			t.Fatalf("got %v %v, want %v", got, err, g)
		}
	}
	if n := s.Calls()["UpdateConsumerGroup"]; n != 1 {
		t.Errorf("%d updates, want 1", n)
	}
	if err := c.SaveCheckpoint(ctx, "g", "nobody", 0, "MQ=="); !sls.IsCode(err, sls.CodeConsumerNotExist) {
		t.Errorf("a stranger's checkpoint: %v", err)
	}
	if _, err := c.Heartbeat(ctx, "g", "c", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.SaveCheckpoint(ctx, "g", "c", 0, "MQ=="); err != nil {
		t.Error(err)
	}
	got, err := c.Checkpoints(ctx, "g")
	if err != nil || len(got) != 2 || got[0].Cursor != "MQ==" || time.Since(got[0].Updated()) > time.Hour {
		t.Errorf("%v %v", got, err)
	}
	if err := c.DeleteGroup(ctx, "g"); err != nil {
		t.Error(err)
	}
	if _, err := c.Heartbeat(ctx, "g", "c", nil); !sls.IsCode(err, sls.CodeGroupNotExist) || !retry.IsPermanent(err) {
		t.Errorf("got %v", err)
	}
}

func TestIndex(t *testing.T) {
	s := startServer(t, emulator.Options{})
	c := newClient(t, s, sls.Options{})
	if _, err := c.Index(t.Context()); !sls.IsCode(err, sls.CodeIndexConfigNotExist) {
		t.Errorf("without an index: %v", err)
	}
	s.Logstore().SetIndex(true, "eventName", "tag_project")
	got, err := c.Index(t.Context())
	if err != nil || !got.Line || len(got.Keys) != 2 || !got.Keys["tag_project"] {
		t.Errorf("%+v, %v", got, err)
	}
	s.Logstore().SetIndex(false)
	if got, err := c.Index(t.Context()); err != nil || got.Line || len(got.Keys) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestMayWrite(t *testing.T) {
	s := startServer(t, emulator.Options{})
	if err := newClient(t, s, sls.Options{}).MayWrite(t.Context()); err != nil {
		t.Error(err)
	}
	s.Faults.Next(fault.Error401, nil)
	if err := newClient(t, s, sls.Options{}).MayWrite(t.Context()); !sls.IsConfig(err) {
		t.Errorf("denied: %v", err)
	}
	if first, end := s.Logstore().Range(0); first != end {
		t.Error("something was written")
	}
}

func TestCursorTime(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	s.Logstore().AppendAt(at, 0, emulator.NewGenerator(1).Group(1))
	c := newClient(t, s, sls.Options{})
	cursor, err := c.CursorAt(t.Context(), 0, at)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.CursorTime(t.Context(), 0, cursor); err != nil || !got.Equal(at) {
		t.Errorf("got %v %v, want %v", got, err, at)
	}
}

// Bytes that do not compress go over the wire as they are, both ways.
func TestIncompressible(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	c := newClient(t, s, sls.Options{})
	noise := make([]byte, 100_000)
	_, _ = rand.Read(noise)
	for _, value := range [][]byte{noise, noise[:3]} {
		first, _ := s.Logstore().Range(0)
		s.Logstore().Expire(0, len(s.Logstore().Groups(0)))
		var g sls.PutGroup
		g.Append(time.Now(), sls.AppendContent(nil, "k", value))
		if refused, err := c.Writer("", "").Write(t.Context(), &g); err != nil || refused != nil {
			t.Fatal(refused, err)
		}
		cursor, err := c.Cursor(t.Context(), 0, sls.Begin)
		if err != nil {
			t.Fatal(first, err)
		}
		p, err := c.Pull(t.Context(), sls.PullRequest{Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(p.Raw, value) {
			t.Error("the value did not come back")
		}
		p.Release()
	}
}

// answers stands for a service that answers every request alike.
func answers(t *testing.T, o sls.Options, f http.HandlerFunc) *sls.Client {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	if o.Retry.Attempts == 0 {
		o.Retry = retry.Policy{Attempts: 2, Base: time.Millisecond}
	}
	c, err := sls.New(s.URL, "project", "logstore", alibaba.Static("ak", "secret", ""), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestPullRefusesWhatIsNotSound(t *testing.T) {
	for _, tc := range []struct {
		name, next, count, size, kind, body string
		permanent                           bool
	}{
		{name: "no cursor", count: "1", size: "4", kind: "lz4", body: "\x40abcd"},
		{name: "no count", next: "MQ==", size: "4", kind: "lz4", body: "\x40abcd"},
		{name: "no size", next: "MQ==", count: "1", kind: "lz4", body: "\x40abcd"},
		{name: "groups without bytes", next: "MQ==", count: "1", size: "0", kind: "lz4"},
		{name: "negative size", next: "MQ==", count: "1", size: "-4", kind: "lz4", body: "\x40abcd"},
		{name: "smaller than announced", next: "MQ==", count: "1", size: "9", kind: "lz4", body: "\x40abcd"},
		{name: "larger than announced", next: "MQ==", count: "1", size: "3", kind: "lz4", body: "\x40abcd"},
		{name: "beyond the limit", next: "MQ==", count: "1", size: "999999999", kind: "lz4", body: "\x40abcd", permanent: true},
		{name: "body beyond any compression", next: "MQ==", count: "1", size: "1", kind: "lz4", body: strings.Repeat("x", 1000)},
		{name: "unknown compression", next: "MQ==", count: "1", size: "4", kind: "deflate", body: "\x40abcd"},
		{name: "zstd unasked", next: "MQ==", count: "1", size: "4", kind: "zstd", body: "\x40abcd"},
		{name: "no body", next: "MQ==", count: "1", size: "4", kind: "lz4"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := answers(t, sls.Options{}, func(w http.ResponseWriter, _ *http.Request) {
				h := w.Header()
				h.Set("x-log-cursor", tc.next)
				h.Set("x-log-count", tc.count)
				h.Set("x-log-bodyrawsize", tc.size)
				h.Set("x-log-compresstype", tc.kind)
				_, _ = w.Write([]byte(tc.body))
			})
			p, err := c.Pull(t.Context(), sls.PullRequest{Cursor: "MA=="})
			if err == nil || retry.IsPermanent(err) != tc.permanent {
				t.Errorf("got %+v, %v", p, err)
			}
		})
	}
}

// A service that never answers costs one timeout an attempt, and the error
// says so.
func TestTimeout(t *testing.T) {
	c := answers(t, sls.Options{Timeout: 30 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if _, err := c.Pull(t.Context(), sls.PullRequest{Cursor: "MA=="}); err == nil || !strings.Contains(err.Error(), "no answer") || errors.Is(err, context.Canceled) {
		t.Errorf("pull: %v", err)
	}
	if _, err := c.Shards(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shards: %v", err)
	}
}

func TestContextIsHonoured(t *testing.T) {
	c := answers(t, sls.Options{}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := c.Pull(ctx, sls.PullRequest{Cursor: "MA=="}); !errors.Is(err, context.Canceled) {
		t.Errorf("pull: %v", err)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	n := 0
	c := answers(t, sls.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("[]"))
	})
	before := time.Now()
	if _, err := c.Shards(t.Context()); err != nil || time.Since(before) < time.Second {
		t.Errorf("%v after %s", err, time.Since(before))
	}
}
