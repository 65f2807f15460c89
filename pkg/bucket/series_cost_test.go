package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
)

// counting notes the requests of a bucket on oss: what each does in a word.
type counting struct {
	mu       sync.Mutex
	inner    http.RoundTripper
	requests []string
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	what := map[string]string{http.MethodPut: "write", http.MethodGet: "read", http.MethodDelete: "delete"}[r.Method]
	switch q := r.URL.Query(); {
	case q.Has("list-type"):
		what = "list"
	case q.Has("versioning"), // asked once a process
		r.Method == http.MethodHead: // oss does not tell a delete of nothing
		return c.inner.RoundTrip(r)
	}
	c.mu.Lock()
	c.requests = append(c.requests, what)
	c.mu.Unlock()
	return c.inner.RoundTrip(r)
}

func (c *counting) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.requests)
	defer func() { c.requests = nil }()
	return strings.Join(c.requests, " ")
}

// What a series costs is what its documentation says, however many numbers it
// has had, as long as it is trimmed.
func TestSeriesCost(t *testing.T) {
	server := oss.New(oss.Options{})
	t.Cleanup(server.Close)
	server.AddBucket("state")
	var c counting
	b, err := bucket.Open(t.Context(), "oss://state?region=cn-hangzhou&endpoint="+server.Start(), ossKeys,
		bucket.WithTransport(func(inner http.RoundTripper) http.RoundTripper { c.inner = inner; return &c }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	s := b.Series("s/", bucket.Digits(20))
	for n := uint64(1); n <= 100; n++ {
		if err := errors.Join(s.Append(t.Context(), n, n), s.Trim(t.Context(), n)); err != nil {
			t.Fatal(err)
		}
	}
	c.take()
	var v uint64
	for _, tc := range []struct {
		name string
		do   func() error
		want string
	}{
		{"append", func() error { return s.Append(t.Context(), 101, 101) }, "list write"},
		{"append behind", func() error { return exists(s.Append(t.Context(), 99, 99)) }, "delete list write"},
		{"append what another has", func() error { return exists(s.Append(t.Context(), 101, 102)) }, "read write"},
		{"latest", func() error { _, err := s.Latest(t.Context(), nil); return err }, "list"},
		{"latest with its value", func() error { _, err := s.Latest(t.Context(), &v); return err }, "list read"},
		{"read", func() error { return s.Read(t.Context(), 101, &v) }, "read"},
		{"range", func() error {
			for _, err := range s.Range(t.Context(), 0) {
				if err != nil {
					return err
				}
			}
			return nil
		}, "list"},
		{"trim", func() error { return s.Trim(t.Context(), 101) }, "delete list"},
		{"replace", func() error { return s.Replace(t.Context(), 102, 102) }, "delete list write"},
		{"trim again", func() error { return s.Trim(t.Context(), 101) }, "list"},
	} {
		err := tc.do()
		if got := c.take(); err != nil || got != tc.want {
			t.Errorf("%s costs %q, want %q; %v", tc.name, got, tc.want, err)
		}
	}
}

// exists wants that error.
func exists(err error) error {
	if errors.Is(err, bucket.ErrExists) {
		return nil
	}
	return fmt.Errorf("not %w: %w", bucket.ErrExists, err)
}

// appendAsProcess is the other process of TestSeriesAcrossProcesses: it takes
// numbers until it has fifty, trims behind each, and prints them.
func appendAsProcess(url, name string) {
	ctx := context.Background()
	b, err := bucket.Open(ctx, url)
	if err != nil {
		panic(err)
	}
	s := b.Series("s/", bucket.Digits(6))
	for took := 0; took < 50; {
		n, err := s.Latest(ctx, nil)
		if err == nil {
			n++
			err = s.Append(ctx, n, fmt.Sprint(name, " ", n))
		}
		if errors.Is(err, bucket.ErrExists) {
			continue
		}
		if err == nil {
			err = s.Trim(ctx, n)
		}
		if err != nil {
			panic(err)
		}
		fmt.Println(n)
		took++
	}
}

func TestSeriesAcrossProcesses(t *testing.T) {
	url := "file://" + t.TempDir()
	var mu sync.Mutex
	by := map[string]int{}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "APPEND_IN="+url, fmt.Sprint("APPEND_AS=", i))
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("%s: %v", out, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, n := range strings.Fields(string(out)) {
				by[n]++
			}
		})
	}
	wg.Wait()
	for n, times := range by {
		if times > 1 {
			t.Errorf("%d processes have number %s", times, n)
		}
	}
	if len(by) != 200 {
		t.Errorf("%d numbers, want 200", len(by))
	}
}
