package buckettest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

func (k Kind) readIf(t *testing.T) {
	put := func(t *testing.T, b *bucket.Bucket, seed byte, size int) *blob.Attributes {
		t.Helper()
		if _, err := b.Put(t.Context(), "k", data(seed, size), k.with(blob.WriterOptions{})); err != nil {
			t.Fatal(err)
		}
		a, err := b.Attributes(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	size := max(k.Parts, 100_000)

	t.Run("the version seen", func(t *testing.T) {
		b := k.Open(t)
		seen := put(t, b, 1, size)
		r, err := b.ReadIf(t.Context(), "k", seen)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		if !bytes.Equal(content(t, r), content(t, data(1, size))) {
			t.Error("other bytes")
		}
	})
	t.Run("replaced before", func(t *testing.T) {
		b := k.Open(t)
		seen := put(t, b, 1, size)
		put(t, b, 2, size)
		if _, err := b.ReadIf(t.Context(), "k", seen); !errors.Is(err, bucket.ErrChanged) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("gone", func(t *testing.T) {
		b := k.Open(t)
		seen := put(t, b, 1, size)
		if err := b.Remove(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.ReadIf(t.Context(), "k", seen); !bucket.IsNotFound(err) || errors.Is(err, bucket.ErrChanged) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("replaced meanwhile", func(t *testing.T) {
		b := k.Open(t)
		r, err := b.ReadIf(t.Context(), "k", put(t, b, 1, size))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		put(t, b, 2, size)
		if !bytes.Equal(content(t, r), content(t, data(1, size))) {
			t.Error("not the bytes of the version that was opened")
		}
	})
	t.Run("as stored", func(t *testing.T) {
		b := k.Open(t)
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(bytes.Repeat([]byte("log"), 1000))
		_ = z.Close()
		if _, err := b.Put(t.Context(), "k", bytes.NewReader(packed.Bytes()), k.with(blob.WriterOptions{ContentEncoding: "gzip", ContentType: "text/plain"})); err != nil {
			t.Fatal(err)
		}
		a, err := b.Attributes(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		r, err := b.ReadIf(t.Context(), "k", a)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Close() }()
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, packed.Bytes()) {
			t.Errorf("%d bytes instead of the %d stored, %v", len(got), packed.Len(), err)
		}
		if got, err := b.ReadAll(t.Context(), "k"); err != nil || !bytes.Equal(got, packed.Bytes()) {
			t.Errorf("ReadAll: %d bytes instead of the %d stored, %v", len(got), packed.Len(), err)
		}
		for _, span := range [][2]int64{{0, 2}, {3, 10}, {5, -1}} {
			part, err := b.NewRangeReader(t.Context(), "k", span[0], span[1], nil)
			if err != nil {
				t.Fatal(err)
			}
			want := packed.Bytes()[span[0]:]
			if span[1] >= 0 {
				want = want[:span[1]]
			}
			if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, want) || part.Size() != int64(packed.Len()) {
				t.Errorf("range %v: %x of %d instead of %x of %d, %v", span, got, part.Size(), want, packed.Len(), err)
			}
			_ = part.Close()
		}
	})
}

// names has the keys that URLs, headers and XML get wrong.
func (k Kind) names(t *testing.T) {
	b := k.Open(t)
	want := []string{"a b", "a+b", "a%2Fb", "a&b=c", "ü/ß/日本.log", "folder/x", "folder/y", "q?x#y", "<tag>\"'"}
	for i, key := range want {
		if _, err := b.Put(t.Context(), key, data(byte(i), 100), k.with(blob.WriterOptions{})); err != nil {
			t.Fatalf("%q: %v", key, err)
		}
	}
	for i, key := range want {
		holds(t, b, key, byte(i), 100)
	}
	got, err := b.Keys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
	if got, err := b.Keys(t.Context(), "folder/"); err != nil || fmt.Sprint(got) != "[folder/x folder/y]" {
		t.Errorf("keys below folder/: %q, %v", got, err)
	}
}
