// Package buckettest holds every kind of bucket to the same promises.
package buckettest

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Kind is a kind of bucket under test.
type Kind struct {
	// Open returns an empty bucket, closed by the test's cleanup.
	Open func(t *testing.T) *bucket.Bucket
	// Parts is a size that goes out in several requests, 0 if none does.
	Parts int
	// Part is the size of a part, in bytes; 0 leaves it to the bucket.
	Part int
	// Unfinished counts the uploads begun in the bucket last opened and neither
	// completed nor aborted; nil if there is no such thing.
	Unfinished func(t *testing.T) int
}

// Run runs the suite.
func Run(t *testing.T, k Kind) {
	t.Run("Create", k.create)
	t.Run("Write", k.write)
	t.Run("ReadIf", k.readIf)
	t.Run("Names", k.names)
	t.Run("List", k.list)
	t.Run("ListedVersion", k.listedVersion)
	t.Run("ListedETag", k.listedETag)
	t.Run("Series", func(t *testing.T) { Series(t, k) })
}

// sizes are those of an object in one request and of one in several.
func (k Kind) sizes() map[string]int {
	s := map[string]int{"empty": 0, "small": 1000}
	if k.Parts > 0 {
		s["parts"] = k.Parts
	}
	return s
}

// with is opts, for parts of the size under test.
func (k Kind) with(opts blob.WriterOptions) blob.WriterOptions {
	opts.BufferSize = k.Part
	return opts
}

func (k Kind) tidy(t *testing.T) {
	t.Helper()
	if k.Unfinished == nil {
		return
	}
	if n := k.Unfinished(t); n > 0 {
		t.Errorf("%d unfinished uploads are left", n)
	}
}

// data is n bytes told by seed, as often as asked for.
func data(seed byte, n int) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{seed}), int64(n))
}

func content(t *testing.T, r io.Reader) []byte {
	t.Helper()
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		t.Fatal(err)
	}
	return sum.Sum(nil)
}

// holds checks that the object at key is data(seed, n).
func holds(t *testing.T, b *bucket.Bucket, key string, seed byte, n int) {
	t.Helper()
	r, err := b.NewReader(t.Context(), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if r.Size() != int64(n) {
		t.Fatalf("%s has %d bytes, want %d", key, r.Size(), n)
	}
	if !bytes.Equal(content(t, r), content(t, data(seed, n))) {
		t.Fatalf("%s has other bytes than were written", key)
	}
}

// absent checks that nothing is visible at key.
func absent(t *testing.T, b *bucket.Bucket, key string) {
	t.Helper()
	if _, err := b.Attributes(t.Context(), key); !bucket.IsNotFound(err) {
		t.Errorf("%s should not be there: %v", key, err)
	}
}
