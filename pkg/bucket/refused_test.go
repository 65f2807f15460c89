package bucket_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// refuser is a store of one bucket, b, in the S3 or the Cloud Storage API. It
// refuses each key that has a code.
type refuser struct {
	codes map[string]string
	all   atomic.Value // string: a code for every object
	asked atomic.Int32
}

func (s *refuser) code(key string) string {
	if all, _ := s.all.Load().(string); all != "" {
		return all
	}
	return s.codes[key]
}

func (s *refuser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	w.Header().Set("Last-Modified", "Fri, 02 Jan 2026 15:04:05 GMT")
	switch path := r.URL.EscapedPath(); {
	case path == "/storage/v1/b/b/o":
		s.listJSON(w)
	case strings.HasPrefix(path, "/storage/v1/b/b/o/"):
		key, _ := url.PathUnescape(strings.TrimPrefix(path, "/storage/v1/b/b/o/"))
		if code := s.code(key); code == "AccessDenied" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"bucket": "b", "name": key, "size": "2", "generation": "1"})
	case strings.Trim(path, "/") == "b":
		s.listXML(w)
	default:
		s.object(w, r, strings.TrimPrefix(path, "/b/"))
	}
}

func (s *refuser) object(w http.ResponseWriter, r *http.Request, key string) {
	code := s.code(key)
	switch {
	case code == "InvalidObjectState" && r.Method == http.MethodHead: // an archived object may be looked at
	case code == "KMS" && r.Method == http.MethodHead: // and so may one without its key
	case code == "InvalidRequest", code == "ExpiredToken":
		w.WriteHeader(http.StatusBadRequest)
	case code == "KMS":
		w.WriteHeader(http.StatusForbidden)
		code = "AccessDenied"
	case code != "":
		w.WriteHeader(http.StatusForbidden)
	}
	if code != "" {
		if r.Method == http.MethodGet {
			_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", code)
		}
		return
	}
	w.Header().Set("Content-Length", "2")
	if r.Header.Get("Range") != "" {
		w.Header().Set("Content-Range", "bytes 0-0/2")
		w.Header().Set("Content-Length", "1")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write([]byte("o"))
		return
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write([]byte("ok"))
	}
}

func (s *refuser) listXML(w http.ResponseWriter) {
	_, _ = fmt.Fprint(w, "<ListBucketResult>")
	for _, key := range slices.Sorted(maps.Keys(s.codes)) {
		_, _ = fmt.Fprintf(w, "<Contents><Key>%s</Key><Size>2</Size><LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>", key)
	}
	_, _ = fmt.Fprint(w, "</ListBucketResult>")
}

func (s *refuser) listJSON(w http.ResponseWriter) {
	var items []map[string]any
	for _, key := range slices.Sorted(maps.Keys(s.codes)) {
		items = append(items, map[string]any{"bucket": "b", "name": key, "size": "2", "updated": "2026-01-02T03:04:05Z"})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"items": items})
}

// stores opens the bucket of s by every API.
func (s *refuser) stores(t *testing.T) map[string]func() *bucket.Bucket {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(srv.URL, "http://"))
	stores := map[string]func() *bucket.Bucket{}
	for _, u := range []string{"gs://b", "s3://b?region=x&endpoint=" + srv.URL, "r2://b?endpoint=" + srv.URL} {
		stores[u[:2]] = func() *bucket.Bucket { return open(t, u) }
	}
	return stores
}

func TestAnObjectThatIsRefusedAlone(t *testing.T) {
	for code, hint := range map[string]string{"InvalidObjectState": "restore it", "InvalidRequest": "copy it without that key", "AccessDenied": "grant reading it"} {
		s := &refuser{codes: map[string]string{"a": code, "b": code, "c": "", "d": ""}}
		stores := s.stores(t)
		if code == "InvalidObjectState" {
			delete(stores, "gs") // gives out what is archived
		}
		for store, fresh := range stores {
			t.Run(store+"/"+code, func(t *testing.T) {
				b := fresh()
				for range 2 { // once by looking for another object, once by one that is known
					_, err := b.ReadAll(t.Context(), "a")
					var refused *bucket.ObjectRefusedError
					if !errors.As(err, &refused) || !bucket.IsObjectRefused(err) || refused.Key != "a" || !strings.Contains(err.Error(), hint) || bucket.IsNotFound(err) {
						t.Fatalf("read a: %v", err)
					}
					var whole *bucket.RefusedError
					if errors.As(err, &whole) {
						t.Errorf("counts as a refusal of the bucket: %v", err)
					}
					if got, err := b.ReadAll(t.Context(), "d"); err != nil || string(got) != "ok" {
						t.Fatalf("read d: %q, %v", got, err)
					}
				}
			})
		}
	}
}

// A lifecycle rule has archived all that comes first in a list: that says all the
// same that the credentials open the others.
func TestRefusedWhereTheFirstAreArchived(t *testing.T) {
	s := &refuser{codes: map[string]string{"z": "AccessDenied"}}
	for i := range 30 {
		s.codes[fmt.Sprintf("a%02d", i)] = "InvalidObjectState"
	}
	stores := s.stores(t)
	for _, store := range []string{"s3", "r2"} {
		if _, err := stores[store]().ReadAll(t.Context(), "z"); !bucket.IsObjectRefused(err) || !strings.Contains(err.Error(), "grant reading it") {
			t.Errorf("%s: %v", store, err)
		}
	}
}

// HEAD has no body to tell why.
func TestALookThatIsRefused(t *testing.T) {
	s := &refuser{codes: map[string]string{"a": "InvalidRequest", "b": ""}}
	stores := s.stores(t)
	for _, store := range []string{"s3", "r2"} {
		if _, err := stores[store]().Attributes(t.Context(), "a"); !bucket.IsObjectRefused(err) {
			t.Errorf("%s: %v", store, err)
		}
	}
	s.all.Store("InvalidRequest")
	for _, store := range []string{"s3", "r2"} {
		if _, err := stores[store]().Attributes(t.Context(), "a"); err == nil || bucket.IsObjectRefused(err) {
			t.Errorf("%s: all are refused, and this is called the object's own fault: %v", store, err)
		}
	}
}

// Where nothing can be read, it is the bucket's matter or the credentials':
// also if it could be read before, listed or looked at.
func TestABucketThatIsRefused(t *testing.T) {
	for _, code := range []string{"AccessDenied", "ExpiredToken", "KMS"} {
		s := &refuser{codes: map[string]string{"a": "", "b": "", "c": ""}}
		for store, fresh := range s.stores(t) {
			t.Run(store+"/"+code, func(t *testing.T) {
				s.all.Store("")
				b := fresh()
				if _, err := b.ReadAll(t.Context(), "b"); err != nil {
					t.Fatal(err)
				}
				s.all.Store(code)
				before := s.asked.Load()
				for _, key := range []string{"a", "b"} {
					if _, err := b.ReadAll(t.Context(), key); err == nil || bucket.IsObjectRefused(err) || bucket.IsNotFound(err) {
						t.Errorf("read %s: %v", key, err)
					}
				}
				if n := s.asked.Load() - before; n > 14 {
					t.Errorf("%d requests to find that out", n)
				}
			})
		}
	}
}

func TestAFileThatIsRefused(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read all files")
	}
	dir := t.TempDir()
	b := open(t, "file://"+dir)
	for _, key := range []string{"a", "b"} {
		if err := b.PutJSON(t.Context(), key, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir+"/a", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadAll(t.Context(), "a"); !bucket.IsObjectRefused(err) {
		t.Errorf("read a: %v", err)
	}
}
