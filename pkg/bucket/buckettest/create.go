package buckettest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

func (k Kind) create(t *testing.T) {
	for name, size := range k.sizes() {
		t.Run("once/"+name, func(t *testing.T) {
			b := k.Open(t)
			if _, err := b.Create(t.Context(), "a/k", data(1, size), k.with(blob.WriterOptions{})); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Create(t.Context(), "a/k", data(2, size), k.with(blob.WriterOptions{})); !errors.Is(err, bucket.ErrExists) {
				t.Fatalf("second create: %v", err)
			}
			holds(t, b, "a/k", 1, size)
			k.tidy(t)
		})
		t.Run("one winner/"+name, func(t *testing.T) {
			b := k.Open(t)
			for round := range 2 {
				key := fmt.Sprint("race/", round)
				var winner atomic.Int32
				var wg sync.WaitGroup
				for i := range int32(4) {
					wg.Go(func() {
						_, err := b.Create(t.Context(), key, data(byte(i+1), size), k.with(blob.WriterOptions{}))
						switch {
						case err == nil && !winner.CompareAndSwap(0, i+1):
							t.Errorf("creators %d and %d of %s both succeeded", winner.Load(), i+1, key)
						case err != nil && !errors.Is(err, bucket.ErrExists):
							t.Error(err)
						}
					})
				}
				wg.Wait()
				holds(t, b, key, byte(winner.Load()), size)
			}
			k.tidy(t)
		})
	}
	for name, size := range k.sizes() {
		t.Run("knows its own by the hash/"+name, func(t *testing.T) {
			b := k.Open(t)
			one, two := content(t, data(1, size)), content(t, data(2, size))
			create := func(key string, seed byte, sum []byte) error {
				return b.CreateSum(t.Context(), key, data(seed, size), int64(size), hex.EncodeToString(sum), k.with(blob.WriterOptions{Metadata: map[string]string{"of": "ours"}}))
			}
			for range 2 { // the second as after an answer that was lost
				if err := create("k", 1, one); err != nil {
					t.Fatal(err)
				}
			}
			if size > 0 {
				if err := create("k", 2, two); !errors.Is(err, bucket.ErrExists) {
					t.Errorf("other bytes of the same length: %v", err)
				}
				if err := b.CreateSum(t.Context(), "k", data(1, size-1), int64(size-1), hex.EncodeToString(one), k.with(blob.WriterOptions{})); !errors.Is(err, bucket.ErrExists) {
					t.Errorf("another length: %v", err)
				}
			}
			holds(t, b, "k", 1, size)
			if a, err := b.Attributes(t.Context(), "k"); err != nil || a.Metadata["sha256"] != hex.EncodeToString(one) || a.Metadata["of"] != "ours" {
				t.Errorf("attributes %+v, %v", a, err)
			}
			// One that does not carry its hash is read.
			if _, err := b.Create(t.Context(), "bare", data(1, size), k.with(blob.WriterOptions{})); err != nil {
				t.Fatal(err)
			}
			if err := create("bare", 1, one); err != nil {
				t.Error(err)
			}
			if err := create("bare", 2, two); size > 0 && !errors.Is(err, bucket.ErrExists) {
				t.Errorf("other bytes: %v", err)
			}
			k.tidy(t)
		})
	}
	t.Run("JSON knows its own", func(t *testing.T) {
		b := k.Open(t)
		for _, tc := range []struct {
			by string
			ok bool
		}{{"a", true}, {"a", true}, {"b", false}} {
			if err := b.CreateJSON(t.Context(), "claim", tc.by); (err == nil) != tc.ok || (err != nil && !errors.Is(err, bucket.ErrExists)) {
				t.Errorf("claim by %s: %v", tc.by, err)
			}
		}
	})
}
