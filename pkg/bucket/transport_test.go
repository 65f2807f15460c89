package bucket_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Who watches a bucket sees every try of every request, and its answer.
func TestTransportSeesEveryRequest(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	var served atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if served.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Length", "2")
		w.Header().Set("Last-Modified", "Fri, 02 Jan 2026 15:04:05 GMT")
		_, _ = w.Write([]byte("ok"))
	}))
	t.Cleanup(srv.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(srv.URL, "http://"))
	for _, url := range []string{"gs://b", "s3://b?region=x&endpoint=" + srv.URL, "r2://b?endpoint=" + srv.URL} {
		served.Store(0)
		var seen []int
		b, err := bucket.Open(t.Context(), url, bucket.WithTransport(func(inner http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				answer, err := inner.RoundTrip(r)
				if err == nil {
					seen = append(seen, answer.StatusCode)
				}
				return answer, err
			})
		}))
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.ReadAll(t.Context(), "k")
		if err != nil || string(got) != "ok" || len(seen) != 2 || seen[0] != 503 || seen[1] != 200 {
			t.Errorf("%s: read %q, %v; saw %v of %d", url, got, err, seen, served.Load())
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
