package bucket_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// signedAs notes how the body of each write is signed.
type signedAs struct {
	uploadS3
	mu     sync.Mutex
	hashes []string
	crcs   int
}

func (s *signedAs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		s.mu.Lock()
		s.hashes = append(s.hashes, r.Header.Get("X-Amz-Content-Sha256"))
		if r.Header.Get("X-Amz-Checksum-Crc32") != "" {
			s.crcs++
		}
		s.mu.Unlock()
	}
	s.uploadS3.ServeHTTP(w, r)
}

// RoundTrip answers whatever host is asked.
func (s *signedAs) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	s.ServeHTTP(w, r)
	_, _ = io.Copy(io.Discard, r.Body)
	return w.Result(), nil
}

// What goes over plain http to another machine is signed with its content; what
// stays on this one is not, and has its checksum all the same.
func TestContentIsSignedOnAWire(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	for endpoint, signed := range map[string]bool{
		"http://127.0.0.1:9000": false, "http://127.8.8.8": false, "http://[::1]:9000": false, "http://localhost:9000": false,
		"http://192.0.2.1:9000": true, "http://10.0.0.8": true, "http://localhost.example&disable_https=true": true,
	} {
		for _, kind := range []string{"s3://b?region=x&endpoint=", "r2://b?endpoint="} {
			s := &signedAs{}
			b, err := bucket.Open(t.Context(), kind+endpoint, bucket.WithTransport(func(http.RoundTripper) http.RoundTripper { return s }))
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{5, 20 << 20} {
				if _, err := b.Put(t.Context(), "k", bytes.NewReader(make([]byte, size)), blob.WriterOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			const puts = 4 // one, and three parts
			for _, h := range s.hashes {
				sum, err := hex.DecodeString(h)
				if is := err == nil && len(sum) == 32; is != signed || !signed && h != "UNSIGNED-PAYLOAD" {
					t.Errorf("%s%s: signed as %s", kind, endpoint, h)
				}
			}
			if len(s.hashes) != puts || strings.HasPrefix(kind, "s3") && s.crcs != puts {
				t.Errorf("%s%s: %d writes, %d with a checksum", kind, endpoint, len(s.hashes), s.crcs)
			}
		}
	}
}
