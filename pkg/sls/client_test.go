package sls_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

func startServer(t testing.TB, o emulator.Options) *emulator.Server {
	t.Helper()
	s := emulator.New(o).Start()
	t.Cleanup(s.Close)
	return s
}

var fast = retry.Policy{Attempts: 8, Base: time.Millisecond, Max: 10 * time.Millisecond}

func newClient(t testing.TB, s *emulator.Server, o sls.Options) *sls.Client {
	t.Helper()
	if o.Retry.Attempts == 0 {
		o.Retry = fast
	}
	c, err := sls.New(s.URL(), "project", "logstore", alibaba.Static("ak", "secret", ""), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// ids pulls a shard from begin to end and returns the identity of every log.
func ids(t *testing.T, c *sls.Client, shard, count int, query string) []string {
	t.Helper()
	ctx := t.Context()
	cursor, err := c.Cursor(ctx, shard, sls.Begin)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for {
		p, err := c.Pull(ctx, sls.PullRequest{Shard: shard, Cursor: cursor, Count: count, Query: query})
		if err != nil {
			t.Fatal(err)
		}
		if p.Next == cursor {
			p.Release()
			return out
		}
		cursor = p.Next
		var g sls.Group
		var l sls.Log
		groups := p.Groups()
		for groups.Next(&g) {
			logs := g.Reader()
			for logs.Next(&l) {
				out = append(out, fmt.Sprintf("%d:%d %s", g.Cursor, l.Index, l.Contents[0].Value))
			}
			if logs.Err() != nil {
				t.Fatal(logs.Err())
			}
		}
		if groups.Err() != nil {
			t.Fatal(groups.Err())
		}
		p.Release()
	}
}

func TestPull(t *testing.T) {
	s := startServer(t, emulator.Options{Region: "cn-test"})
	gen := emulator.NewGenerator(1)
	first, _ := s.Logstore().Range(1)
	var want []string
	for i := range 10 {
		s.Logstore().Append(1, gen.Group(3))
		for j := range 3 {
			want = append(want, fmt.Sprintf("%d:%d %d", first+int64(i), j, i*3+j))
		}
	}
	for _, o := range []sls.Options{{}, {Region: "cn-test"}, {Compression: "zstd"}} {
		c := newClient(t, s, o)
		for _, count := range []int{0, 1, 3} {
			if got := ids(t, c, 1, count, ""); strings.Join(got, ",") != strings.Join(want, ",") {
				t.Errorf("%+v, %d a pull: got %v, want %v", o, count, got, want)
			}
		}
		got := ids(t, c, 1, 4, "* | where seq != '4' and __topic__ = 'audit_log'")
		if len(got) != 29 {
			t.Errorf("with a query: %v", got)
		}
		seen := map[string]bool{}
		for _, id := range got {
			key, _, _ := strings.Cut(id, " ")
			if seen[key] {
				t.Errorf("with a query: %s names two logs", key)
			}
			seen[key] = true
		}
	}
}

func TestPullStopsAtEndCursor(t *testing.T) {
	s := startServer(t, emulator.Options{})
	gen := emulator.NewGenerator(1)
	s.Logstore().Append(0, gen.Group(1), gen.Group(1))
	c := newClient(t, s, sls.Options{})
	begin, err := c.Cursor(t.Context(), 0, sls.Begin)
	if err != nil {
		t.Fatal(err)
	}
	end, err := c.Cursor(t.Context(), 0, sls.End)
	if err != nil {
		t.Fatal(err)
	}
	s.Logstore().Append(0, gen.Group(1))
	p, err := c.Pull(t.Context(), sls.PullRequest{Cursor: begin, End: end})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	if p.Count != 2 || p.Next != end {
		t.Errorf("got %d groups up to %s, want 2 up to %s", p.Count, p.Next, end)
	}
}

// Whatever goes wrong on the way, what a pull returns is what is stored.
func TestPullThroughFaults(t *testing.T) {
	s := startServer(t, emulator.Options{})
	gen := emulator.NewGenerator(1)
	for range 30 {
		s.Logstore().Append(0, gen.Group(2))
	}
	c := newClient(t, s, sls.Options{Retry: retry.Policy{Attempts: 30, Base: time.Millisecond, Max: 5 * time.Millisecond}})
	want := ids(t, c, 0, 7, "")
	s.Faults.Random(1, map[fault.Kind]float64{
		fault.Error500: .1, fault.Error503: .1, fault.ResetBefore: .1, fault.ResetAfter: .1, fault.ResetMid: .1, fault.Truncate: .1,
	})
	got := ids(t, c, 0, 7, "")
	if strings.Join(got, ",") != strings.Join(want, ",") {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestQuotaIsWaitedOut(t *testing.T) {
	t.Parallel()
	s := startServer(t, emulator.Options{})
	s.Faults.Next(fault.Error403, nil)
	c := newClient(t, s, sls.Options{})
	before := time.Now()
	if _, err := c.Shards(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(before); d < time.Second {
		t.Errorf("tried again after %s, want a second at least", d)
	}
}

// Held pages keep others from being read, and giving one back lets them in.
func TestMemoryIsBounded(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	gen := emulator.NewGenerator(1)
	s.Logstore().Append(0, gen.Group(100))
	c := newClient(t, s, sls.Options{Memory: 256 << 10})
	begin, err := c.Cursor(t.Context(), 0, sls.Begin)
	if err != nil {
		t.Fatal(err)
	}
	q := sls.PullRequest{Cursor: begin}
	var held []*sls.Page
	for {
		// Nothing but memory is waited for, once it is held.
		wait := time.Minute
		if len(held) > 0 {
			wait = 300 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		p, err := c.Pull(ctx, q)
		cancel()
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
		if held = append(held, p); len(held) > 4 {
			t.Fatal("holds more than its memory")
		}
	}
	if len(held) == 0 {
		t.Fatal("nothing fits")
	}
	got := make(chan error)
	go func() {
		p, err := c.Pull(t.Context(), q)
		if err == nil {
			p.Release()
		}
		got <- err
	}()
	for _, p := range held {
		p.Release()
		p.Release()
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	skewed := startServer(t, emulator.Options{Skew: -time.Hour})
	client := func(s *emulator.Server, project, logstore, id, secret string) *sls.Client {
		c, err := sls.New(s.URL(), project, logstore, alibaba.Static(id, secret, ""), sls.Options{Retry: fast})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	for _, tc := range []struct {
		name   string
		client *sls.Client
		want   string
	}{
		{"unknown key", client(s, "project", "logstore", "nobody", "secret"), "unknown, disabled or expired"},
		{"wrong secret", client(s, "project", "logstore", "ak", "hunter2"), "secret does not belong"},
		{"wrong project", client(s, "other", "logstore", "ak", "secret"), "check the project"},
		{"wrong logstore", client(s, "project", "other", "ak", "secret"), "check the logstore"},
		{"clock", client(skewed, "project", "logstore", "ak", "secret"), "clock"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := tc.client.Shards(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) || !retry.IsPermanent(err) || !sls.IsConfig(err) {
				t.Errorf("got %v, want a permanent configuration error that says %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the error shows the secret")
			}
		})
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := sls.New("http://cn-hangzhou.log.aliyuncs.com", "", "a/b", nil, sls.Options{Compression: "gzip"})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"project", "logstore", "credentials", "compression", "plain http"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name the %s", err, want)
		}
	}
	if _, err := sls.New("p.cn-hangzhou.log.aliyuncs.com", "p", "l", alibaba.Static("a", "b", ""), sls.Options{}); err == nil || !strings.Contains(err.Error(), "leave out the project") {
		t.Errorf("got %v", err)
	}
	for _, ok := range []string{"cn-hangzhou.log.aliyuncs.com", "https://cn-hangzhou.log.aliyuncs.com", "127.0.0.1:1", "http://[::1]:80", "localhost:9"} {
		if _, err := sls.New(ok, "p", "l", alibaba.Static("a", "b", ""), sls.Options{}); err != nil {
			t.Error(err)
		}
	}
}
