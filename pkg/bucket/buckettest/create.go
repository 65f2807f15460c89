package buckettest

import (
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
			if _, err := b.Create(t.Context(), "a/k", data(1, size), blob.WriterOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Create(t.Context(), "a/k", data(2, size), blob.WriterOptions{}); !errors.Is(err, bucket.ErrExists) {
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
						_, err := b.Create(t.Context(), key, data(byte(i+1), size), blob.WriterOptions{})
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
