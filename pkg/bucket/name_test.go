package bucket_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// wantNoName checks that b can have no object of that key: writing one fails, for
// good or as long as something is in its way, and there is none.
func wantNoName(t *testing.T, b *bucket.Bucket, key string, forGood bool) {
	t.Helper()
	for _, opts := range []blob.WriterOptions{{IfNotExist: true}, {}, {Metadata: map[string]string{"x": "y"}}} {
		_, err := b.Put(t.Context(), key, strings.NewReader("text"), opts)
		var name *bucket.NameError
		if !errors.As(err, &name) || name.Key != key || retry.IsPermanent(err) != forGood || errors.Is(err, bucket.ErrExists) {
			t.Errorf("write %.40s with %+v: %v", key, opts, err)
		}
	}
	if _, err := b.Attributes(t.Context(), key); !bucket.IsNotFound(err) {
		t.Errorf("look at %.40s: %v", key, err)
	}
	if _, err := b.ReadAll(t.Context(), key); !bucket.IsNotFound(err) {
		t.Errorf("read %.40s: %v", key, err)
	}
}

func TestKeysThatNoFileHas(t *testing.T) {
	dir := t.TempDir()
	for _, query := range []string{"", "?no_tmp_dir=true", "?prefix=folder"} {
		b := open(t, "file://"+dir+query)
		for _, key := range []string{"file", "folder/file"} {
			if err := b.PutJSON(t.Context(), key, 1); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range []string{
			".", "..", "a/..", "a/./b", "x.attrs",
			strings.Repeat("k", 256), strings.Repeat("ü", 128), strings.Repeat("k", 300) + "/b", strings.Repeat("x/", 3000) + "y",
		} {
			wantNoName(t, b, key, true)
		}
		for _, key := range []string{"file/below", "folder/file/below/that"} {
			wantNoName(t, b, key, false)
		}
	}
	b := open(t, "file://"+dir)
	var name *bucket.NameError
	if err := b.CreateJSON(t.Context(), "folder", 1); !errors.As(err, &name) || errors.Is(err, bucket.ErrExists) || retry.IsPermanent(err) {
		t.Errorf("a file where a folder is: %v", err)
	}
}

// What no file can be called is not taken for the file that its path leads to.
func TestNamesThatLeadElsewhere(t *testing.T) {
	b := open(t, "file://"+t.TempDir())
	if err := b.WriteAll(t.Context(), "a/b", []byte("kept"), nil); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a/./b", "./a/b", "a/b/.", "a/b/..", ".", ".."} {
		wantNoName(t, b, key, true)
		if _, err := b.NewRangeReader(t.Context(), key, 0, 1, nil); !bucket.IsNotFound(err) {
			t.Errorf("read a piece of %s: %v", key, err)
		}
		if err := b.Remove(t.Context(), key); err != nil { // it is not there
			t.Errorf("remove %s: %v", key, err)
		}
	}
	if got, err := b.ReadAll(t.Context(), "a/b"); err != nil || string(got) != "kept" {
		t.Errorf("%q, %v", got, err)
	}
}

// Where the directory itself is no longer one, that is no fault of any key.
func TestADirectoryThatIsAFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	b := open(t, "file://"+dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Create(t.Context(), "a/b", strings.NewReader("text"), blob.WriterOptions{}); err == nil || retry.IsPermanent(err) {
		t.Errorf("write: %v", err)
	}
	if _, err := b.Attributes(t.Context(), "a/b"); err == nil || bucket.IsNotFound(err) {
		t.Errorf("look: %v", err)
	}
}

// longKeys is a store in the S3 and the Cloud Storage API that takes no key of
// more than 1,024 bytes, and answers whatever else it is asked with odd.
type longKeys struct{ odd int }

func (s *longKeys) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.Path) > 1024 || len(r.URL.Query().Get("name")) > 1024 || r.URL.Query().Get("uploadType") == "multipart" && r.ContentLength > 1024 {
		w.WriteHeader(http.StatusBadRequest)
		if r.Method != http.MethodHead && !strings.HasPrefix(r.URL.Path, "/storage/") && !strings.HasPrefix(r.URL.Path, "/upload/") {
			_, _ = fmt.Fprint(w, "<Error><Code>KeyTooLongError</Code><Message>Your key is too long</Message></Error>")
		}
		return
	}
	w.WriteHeader(s.odd)
}

func TestKeysThatAreTooLong(t *testing.T) {
	srv := httptest.NewServer(&longKeys{http.StatusBadRequest})
	t.Cleanup(srv.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(srv.URL, "http://"))
	for _, u := range []string{"s3://b?region=x&endpoint=" + srv.URL, "r2://b?endpoint=" + srv.URL, "gs://b?", "s3://b?region=x&prefix=folder&endpoint=" + srv.URL} {
		t.Run(u[:2], func(t *testing.T) {
			b := open(t, u)
			wantNoName(t, b, strings.Repeat("k", 1025), true)
			// The same answer about another key is about something else.
			var name *bucket.NameError
			if _, err := b.Put(t.Context(), "short", strings.NewReader("text"), blob.WriterOptions{}); err == nil || errors.As(err, &name) {
				t.Errorf("write a short key: %v", err)
			}
			if _, err := b.Attributes(t.Context(), "short"); err == nil || bucket.IsNotFound(err) {
				t.Errorf("look at a short key: %v", err)
			}
		})
	}
}
