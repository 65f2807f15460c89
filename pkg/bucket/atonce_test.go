package bucket_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"gocloud.dev/blob"
)

// puts is S3 as far as a write in one request asks for it.
type puts struct {
	away atomic.Bool // once, half-way through what is sent
	got  []byte
	kind string
}

func (s *puts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPut || r.URL.RawQuery != "x-id=PutObject" {
		w.WriteHeader(http.StatusNotImplemented)
		return
	}
	if s.away.CompareAndSwap(true, false) {
		_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	s.got, _ = io.ReadAll(r.Body)
	s.kind = r.Header.Get("Content-Type")
	w.Header().Set("ETag", `"e"`)
}

// Up to the size of a part, an object goes out whole in one request, from one
// piece of memory that the next one gets, however it was written, and again as a
// whole where the store was away.
func TestAnObjectInOneRequest(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	s := &puts{}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	for _, url := range []string{"s3://b?region=x&endpoint=" + srv.URL, "r2://b?endpoint=" + srv.URL, "s3://b?region=x&prefix=p/&endpoint=" + srv.URL} {
		b := open(t, url)
		s.away.Store(strings.HasPrefix(url, "r2"))
		for _, text := range []string{strings.Repeat("x,y\n", 1<<20), "", "1,2\n", "<html>", strings.Repeat("12345678", 1<<20)} {
			err := b.Write(t.Context(), "k", blob.WriterOptions{}, func(w io.Writer) error {
				for rest := []byte(text); len(rest) > 0; {
					n, err := w.Write(rest[:min(len(rest), 100_000)])
					if err != nil {
						return err
					}
					rest = rest[n:]
				}
				return nil
			})
			if err != nil || string(s.got) != text || s.kind != http.DetectContentType([]byte(text)) {
				t.Errorf("%s: %d bytes came as %d of %q: %v", url, len(text), len(s.got), s.kind, err)
			}
		}
	}
}
