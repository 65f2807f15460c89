//go:build !race

package bucket_test

import (
	"bytes"
	"io"
	"net/http/httptest"
	"runtime"
	"testing"

	"gocloud.dev/blob"
)

// An object takes the memory that the one before it has had. The SDK's manager
// takes more than twice its size for each. Under the race detector pools forget
// what they hold now and then.
func TestMemoryOfSmallObjects(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	srv := httptest.NewServer(&uploadS3{})
	t.Cleanup(srv.Close)
	b := open(t, "s3://b?region=x&endpoint="+srv.URL)
	const n, size = 20, 5 << 20
	object := make([]byte, size)
	put := func() {
		if _, err := b.Put(t.Context(), "k", io.LimitReader(bytes.NewReader(object), size), blob.WriterOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		put()
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / n; each > size {
		t.Errorf("%d bytes of memory for an object of %d", each, size)
	}
}
