package buckettest

import (
	"context"
	"crypto/md5" //nolint:gosec // what stores compare
	"errors"
	"io"
	"maps"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

var errBroken = errors.New("the source broke off")

func (k Kind) write(t *testing.T) {
	for name, size := range k.sizes() {
		t.Run("replaces/"+name, func(t *testing.T) {
			b := k.Open(t)
			for seed := range byte(2) {
				if n, err := b.Put(t.Context(), "k", data(seed, size), k.with(blob.WriterOptions{})); err != nil || n != int64(size) {
					t.Fatal(n, err)
				}
				holds(t, b, "k", seed, size)
			}
			k.tidy(t)
		})
		t.Run("that fails leaves nothing/"+name, func(t *testing.T) {
			b := k.Open(t)
			for _, opts := range []blob.WriterOptions{{}, {IfNotExist: true}, {ContentType: "text/csv"}} {
				err := b.Write(t.Context(), "k", k.with(opts), func(w io.Writer) error {
					if _, err := io.Copy(w, data(1, size)); err != nil {
						return err
					}
					return errBroken
				})
				if !errors.Is(err, errBroken) {
					t.Fatalf("error %v", err)
				}
				absent(t, b, "k")
			}
			k.tidy(t)
		})
		t.Run("that is cancelled leaves nothing/"+name, func(t *testing.T) {
			b := k.Open(t)
			ctx, cancel := context.WithCancel(t.Context())
			err := b.Write(ctx, "k", k.with(blob.WriterOptions{ContentType: "text/csv"}), func(w io.Writer) error {
				_, err := io.Copy(w, data(1, size))
				cancel() // with all bytes handed over
				return err
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			absent(t, b, "k")
			k.tidy(t)
		})
		t.Run("with its MD5/"+name, func(t *testing.T) {
			b := k.Open(t)
			content, err := io.ReadAll(data(1, size))
			if err != nil {
				t.Fatal(err)
			}
			sum := md5.Sum(content) //nolint:gosec // as above
			for _, opts := range []blob.WriterOptions{{IfNotExist: true}, {}, {ContentType: "text/csv"}} {
				opts.ContentMD5 = sum[:]
				if _, err := b.Put(t.Context(), "k", data(1, size), k.with(opts)); err != nil {
					t.Fatal(err)
				}
				holds(t, b, "k", 1, size)
			}
			k.tidy(t)
		})
		t.Run("with another MD5 leaves nothing/"+name, func(t *testing.T) {
			b := k.Open(t)
			sum := md5.Sum([]byte("something else")) //nolint:gosec // as above
			for _, opts := range []blob.WriterOptions{{}, {ContentType: "text/csv"}, {IfNotExist: true}} {
				opts.ContentMD5 = sum[:]
				if _, err := b.Put(t.Context(), "k", data(1, size), k.with(opts)); !retry.IsPermanent(err) || errors.Is(err, bucket.ErrExists) {
					t.Errorf("other bytes than announced were taken: %v", err)
				}
				absent(t, b, "k")
			}
			k.tidy(t)
		})
	}
	t.Run("a failed replacement leaves what was there", func(t *testing.T) {
		b := k.Open(t)
		if _, err := b.Put(t.Context(), "k", data(1, 1000), k.with(blob.WriterOptions{})); err != nil {
			t.Fatal(err)
		}
		err := b.Write(t.Context(), "k", k.with(blob.WriterOptions{}), func(w io.Writer) error {
			_, _ = io.Copy(w, data(2, max(k.Parts, 5000)))
			return errBroken
		})
		if !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
		holds(t, b, "k", 1, 1000)
		k.tidy(t)
	})
	t.Run("metadata", k.metadata)
	t.Run("remove", func(t *testing.T) {
		b := k.Open(t)
		if err := b.PutJSON(t.Context(), "k", 1); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.Remove(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
			absent(t, b, "k")
		}
		var v int
		if err := b.ReadJSON(t.Context(), "k", &v); !bucket.IsNotFound(err) {
			t.Error(err)
		}
	})
}

func (k Kind) metadata(t *testing.T) {
	for name, size := range k.sizes() {
		t.Run(name, func(t *testing.T) {
			b := k.Open(t)
			want := map[string]string{"source-key": "logs/20260101 ü+%2F?.log.gz", "source-etag": `"0123-4"`, "source-size": "17"}
			if _, err := b.Put(t.Context(), "k", data(1, size), k.with(blob.WriterOptions{ContentType: "text/csv; charset=utf-8", Metadata: want})); err != nil {
				t.Fatal(err)
			}
			a, err := b.Attributes(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			if a.ContentType != "text/csv; charset=utf-8" || a.ContentEncoding != "" || a.Size != int64(size) || !maps.Equal(a.Metadata, want) {
				t.Errorf("attributes %+v", a)
			}
		})
	}
}
