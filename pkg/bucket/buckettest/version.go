package buckettest

import (
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// listedETag: a list tells the ETag that a look at the object does.
func (k Kind) listedETag(t *testing.T) {
	b := k.Open(t)
	if _, err := b.Put(t.Context(), "e/a", data(1, 1000), blob.WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	for o, err := range b.Objects(t.Context(), "e/") {
		if err != nil {
			t.Fatal(err)
		}
		a, err := b.Attributes(t.Context(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.ListedETag(o); got != a.ETag || got == "" {
			t.Errorf("a list says %s, a look %s", got, a.ETag)
		}
	}
}

// listedVersion: a list tells that an object was altered, by as many bytes too,
// and looking at it or writing its neighbour leaves it as it was.
func (k Kind) listedVersion(t *testing.T) {
	b := k.Open(t)
	put := func(key string, seed byte) {
		t.Helper()
		time.Sleep(10 * time.Millisecond) // a file's time may move in steps of a tick
		if _, err := b.Put(t.Context(), key, data(seed, 1000), blob.WriterOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	listed := func() (version string) {
		t.Helper()
		for o, err := range b.Objects(t.Context(), "v/a") {
			if err != nil {
				t.Fatal(err)
			}
			version = bucket.ListedVersion(o)
		}
		return version
	}
	put("v/a", 1)
	first := listed()
	put("v/b", 2)
	if _, err := b.ReadAll(t.Context(), "v/a"); err != nil {
		t.Fatal(err)
	}
	if again := listed(); again != first || first == "" {
		t.Errorf("nobody changed it, and %q became %q", first, again)
	}
	put("v/a", 3)
	if altered := listed(); altered == first {
		t.Errorf("it is altered, and still %q", first)
	}
}
