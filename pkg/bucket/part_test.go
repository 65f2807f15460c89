package bucket_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"gocloud.dev/blob"
)

// uploads is Cloud Storage as far as an upload asks for it. It notes how many
// bytes each request brings: an object in one request goes as a multipart body,
// which has its attributes too.
type uploads struct {
	mu    sync.Mutex
	kinds []string
	sizes []int64
}

func (s *uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := r.URL.Query().Get("uploadType")
	switch {
	case r.Method == http.MethodPost && kind == "resumable":
		w.Header().Set("Location", "http://"+r.Host+"/session")
		return
	case r.Method == http.MethodPut || r.URL.Path == "/session":
		kind = "chunk"
		s.sizes = append(s.sizes, n)
		if strings.HasSuffix(r.Header.Get("Content-Range"), "/*") {
			s.kinds = append(s.kinds, kind)
			_, last, _ := strings.Cut(r.Header.Get("Content-Range"), "-")
			w.Header().Set("Range", "bytes=0-"+strings.TrimSuffix(last, "/*"))
			w.Header().Set("X-Http-Status-Code-Override", "308")
			w.WriteHeader(http.StatusOK)
			return
		}
	}
	s.kinds = append(s.kinds, kind)
	_ = json.NewEncoder(w).Encode(map[string]any{"bucket": "b", "name": "k", "size": fmt.Sprint(n), "generation": "1"})
}

// A small object goes out in one request and takes no more memory than it needs;
// a large one in parts of 8 MiB.
func TestPartsOfCloudStorage(t *testing.T) {
	s := &uploads{}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(srv.URL, "http://"))
	b := open(t, "gs://b")

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const n = 20
	for i := range n {
		if err := b.PutJSON(t.Context(), fmt.Sprint("k", i), 1); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / n; each > 1<<20 {
		t.Errorf("%d bytes of memory for an object of one", each)
	}
	if len(s.kinds) != n || slices.ContainsFunc(s.kinds, func(k string) bool { return k != "multipart" }) {
		t.Errorf("small objects took the requests %v", s.kinds)
	}

	s.kinds, s.sizes = nil, nil
	const size = 20<<20 + 5
	if _, err := b.Put(t.Context(), "large", bytes.NewReader(make([]byte, size)), blob.WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := []int64{8 << 20, 8 << 20, size - 16<<20}; !slices.Equal(s.sizes, want) {
		t.Errorf("a large object went out in %v, want %v", s.sizes, want)
	}
}

// uploadS3 is S3 as far as an upload asks for it.
type uploadS3 struct {
	mu    sync.Mutex
	sizes []int64
}

func (s *uploadS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, _ := io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("ETag", `"e"`)
	switch q := r.URL.Query(); {
	case r.Method == http.MethodPut:
		s.sizes = append(s.sizes, n)
	case q.Has("uploads"):
		_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
	case q.Has("uploadId"):
		_, _ = io.WriteString(w, "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")
	}
}

// On R2 all parts but the last are equal, and as large as the hint makes them.
func TestPartsOfR2(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	for _, tc := range []struct {
		hint int
		want []int64
	}{{0, []int64{8 << 20, 8 << 20, 4<<20 + 5}}, {9 << 20, []int64{9 << 20, 9 << 20, 2<<20 + 5}}, {21 << 20, []int64{20<<20 + 5}}} {
		s := &uploadS3{}
		srv := httptest.NewServer(s)
		t.Cleanup(srv.Close)
		b := open(t, "r2://b?endpoint="+srv.URL)
		const size = 20<<20 + 5
		if _, err := b.Put(t.Context(), "large", bytes.NewReader(make([]byte, size)), blob.WriterOptions{BufferSize: tc.hint}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(s.sizes, tc.want) {
			t.Errorf("with a hint of %d: %v, want %v", tc.hint, s.sizes, tc.want)
		}
	}
}
