package muleaudit_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// forgetful is an S3 bucket whose ETags say nothing of the content, as with
// SSE-KMS, and whose answer to the first PUT of each object gets lost.
type forgetful struct {
	dropMeta bool // objects lose their metadata, as where another tool copied them

	mu      sync.Mutex
	objects map[string]stored
	lost    int
	read    int // objects given out whole
}

type stored struct {
	data []byte
	meta http.Header
	etag string
}

func (s *forgetful) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.URL.Path
	o, there := s.objects[key]
	switch {
	case r.Method == http.MethodPut && there && r.Header.Get("If-None-Match") == "*":
		w.WriteHeader(http.StatusPreconditionFailed)
		_, _ = io.WriteString(w, "<Error><Code>PreconditionFailed</Code></Error>")
	case r.Method == http.MethodPut:
		o = stored{meta: http.Header{}, etag: fmt.Sprintf("%q", rand.Text())}
		o.data, _ = io.ReadAll(r.Body)
		for name, v := range r.Header {
			if strings.HasPrefix(name, "X-Amz-Meta-") && !s.dropMeta {
				o.meta[name] = v
			}
		}
		s.objects[key] = o
		s.lost++
		panic(http.ErrAbortHandler)
	case !there:
		w.WriteHeader(http.StatusNotFound)
	default:
		for name, v := range o.meta {
			w.Header()[name] = v
		}
		w.Header().Set("ETag", o.etag)
		w.Header().Set("Content-Length", fmt.Sprint(len(o.data)))
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		if r.Method == http.MethodGet {
			s.read++
			_, _ = w.Write(o.data)
		}
	}
}

func TestALostAnswerIsKnownByTheHash(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	for name, dropMeta := range map[string]bool{"in the metadata": false, "of the content": true} {
		t.Run(name, func(t *testing.T) {
			store := &forgetful{dropMeta: dropMeta, objects: map[string]stored{}}
			srv := httptest.NewServer(store)
			defer srv.Close()
			w := newWorld(t, emulator.Options{}, map[string]string{"MULE_LOOKBACK": "2h", "OUTPUT_URL": "s3://siem?region=eu-central-1&endpoint=" + srv.URL + "&request_checksum_calculation=when_required&response_checksum_validation=when_required"})
			w.api.AddSynthetic("org-1", emulator.Synthetic{N: 100, From: aligned(1), To: aligned(1).Add(30 * time.Minute)})
			if _, err := w.run(w.function(), "{}"); err != nil {
				t.Fatal(err)
			}
			if store.lost == 0 || len(store.objects) != store.lost {
				t.Errorf("%d objects after %d lost answers", len(store.objects), store.lost)
			}
			if read := store.read > 0; read != dropMeta {
				t.Errorf("%d objects were read to tell", store.read)
			}
		})
	}
}
