package bucket_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Every request that is made again counts, whichever way an SDK does it: to read,
// to look, to list, and in the middle of an upload.
func TestTriesAreCounted(t *testing.T) {
	var away atomic.Int32 // requests that find the store away
	s := &uploads{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Add(-1) >= 0 {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if r.Method == http.MethodGet && !strings.HasPrefix(r.URL.Path, "/storage/") {
			w.Header().Set("Last-Modified", "Fri, 02 Jan 2026 15:04:05 GMT")
			w.Header().Set("Content-Length", "2")
			_, _ = w.Write([]byte("ok"))
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(srv.URL, "http://"))
	b := open(t, "gs://b")
	var again atomic.Int64
	ctx := retry.Counted(t.Context(), func() { again.Add(1) })
	for name, do := range map[string]func() error{
		"read": func() error { _, err := b.ReadAll(ctx, "k"); return err },
		"look": func() error { _, err := b.Attributes(ctx, "k"); return err },
		"list": func() error { _, err := b.Keys(ctx, ""); return err },
		"put":  func() error { return b.PutJSON(ctx, "k", 1) },
		"chunks": func() error {
			_, err := b.Put(ctx, "k", bytes.NewReader(make([]byte, 17<<20)), blob.WriterOptions{})
			return err
		},
	} {
		for _, failing := range []int32{0, 1} {
			again.Store(0)
			away.Store(failing)
			if err := do(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := again.Load(); got != int64(failing) {
				t.Errorf("%s: %d requests failed, %d were counted as made again", name, failing, got)
			}
		}
	}
}
