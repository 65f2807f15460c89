package s3

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/bucket/buckettest"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

func data(seed byte, n int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{seed}), n)
}

func TestSuite(t *testing.T) {
	for kind, url := range kinds {
		t.Run(kind, func(t *testing.T) {
			var name string
			buckettest.Run(t, buckettest.Kind{
				Open: func(t *testing.T) *bucket.Bucket {
					name = newBucket(t)
					return open(t, url(name)+"&prefix=below/")
				},
				Parts:      20<<20 + 7,
				Unfinished: func(t *testing.T) int { return unfinished(t, name) },
			})
		})
	}
}

func TestMultipart(t *testing.T) {
	const size = 66<<20 + 3
	for kind, url := range kinds {
		t.Run(kind, func(t *testing.T) {
			b := open(t, url(newBucket(t)))
			if _, err := b.Create(t.Context(), "k", data(1, size), blob.WriterOptions{}); err != nil {
				t.Fatal(err)
			}
			a, err := b.Attributes(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf(`-%d"`, (size+bucket.MinPart-1)/bucket.MinPart); !strings.HasSuffix(a.ETag, want) {
				t.Errorf("ETag %s does not end in %s: other parts than thought", a.ETag, want)
			}
			r, err := b.ReadIf(t.Context(), "k", a)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			got, want := sha256.New(), sha256.New()
			_, _ = io.Copy(want, data(1, size))
			if n, err := io.Copy(got, r); n != size || err != nil || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
				t.Errorf("read %d bytes, %v", n, err)
			}
		})
	}
}

// The proxy is as strict as R2: what speaks plain S3 fails on it.
func TestR2RefusesPlainS3(t *testing.T) {
	b := open(t, "s3://"+newBucket(t)+"?region="+region+"&endpoint="+gateway.r2.URL)
	for _, size := range []int64{10, 20 << 20} {
		_, err := b.Put(t.Context(), "k", data(1, size), blob.WriterOptions{})
		if err == nil || !strings.Contains(err.Error(), "not implemented") {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// storm makes the server fail at random until the test ends.
func storm(t *testing.T, seed uint64, name string, rates map[fault.Kind]float64) {
	t.Helper()
	gateway.faults.Match = func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/"+name) }
	gateway.faults.Random(seed, rates)
	t.Cleanup(func() { gateway.faults.Random(0, nil) })
}

func TestFaultsAreRetried(t *testing.T) {
	for kind, url := range kinds {
		t.Run(kind, func(t *testing.T) {
			name := newBucket(t)
			b := open(t, url(name))
			storm(t, 7, name, map[fault.Kind]float64{fault.Error503: 0.04, fault.Error500: 0.03, fault.Error429: 0.02, fault.ResetBefore: 0.03})
			for i := range 12 {
				key, size := fmt.Sprint("k", i), int64(i%4)*(4<<20)
				if _, err := b.Create(t.Context(), key, data(byte(i), size), blob.WriterOptions{}); err != nil {
					t.Fatal(err)
				}
				got, err := b.ReadAll(t.Context(), key)
				want, _ := io.ReadAll(data(byte(i), size))
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("read %d bytes, %v", len(got), err)
				}
				if err := b.Remove(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(gateway.faults.Counts()); n == 0 {
				t.Fatal("nothing failed")
			}
		})
	}
}

// A write whose answer is lost is made again: a create-only one then finds its
// own object, which must be whole, and JSON is known for one's own.
func TestLostAnswers(t *testing.T) {
	for kind, url := range kinds {
		t.Run(kind, func(t *testing.T) {
			name := newBucket(t)
			b := open(t, url(name))
			put := func(r *http.Request) bool {
				return r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/"+name)
			}
			gateway.faults.Next(fault.ResetAfter, put)
			if _, err := b.Create(t.Context(), "k", data(1, 1000), blob.WriterOptions{}); !errors.Is(err, bucket.ErrExists) {
				t.Errorf("error %v", err)
			}
			got, err := b.ReadAll(t.Context(), "k")
			if want, _ := io.ReadAll(data(1, 1000)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			gateway.faults.Next(fault.ResetAfter, put)
			if err := b.CreateJSON(t.Context(), "claim", "mine"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReadCutShortIsAnError(t *testing.T) {
	for kind, url := range kinds {
		t.Run(kind, func(t *testing.T) {
			name := newBucket(t)
			b := open(t, url(name))
			if _, err := b.Put(t.Context(), "k", data(1, 1<<20), blob.WriterOptions{}); err != nil {
				t.Fatal(err)
			}
			a, err := b.Attributes(t.Context(), "k")
			if err != nil {
				t.Fatal(err)
			}
			gateway.faults.Next(fault.ResetMid, func(r *http.Request) bool {
				return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/"+name)
			})
			r, err := b.ReadIf(t.Context(), "k", a)
			if err != nil {
				return // also well
			}
			defer func() { _ = r.Close() }()
			if n, err := io.Copy(io.Discard, r); err == nil {
				t.Errorf("%d bytes of %d passed for the whole", n, a.Size)
			}
		})
	}
}

func TestRefusalsSayWhatToFix(t *testing.T) {
	for kind, url := range kinds {
		t.Run(kind+"/no bucket", func(t *testing.T) {
			b := open(t, url("no-such-bucket"))
			_, attrsErr := b.Attributes(t.Context(), "k")
			_, readErr := b.ReadAll(t.Context(), "k")
			_, listErr := b.Keys(t.Context(), "")
			_, writeErr := b.Put(t.Context(), "k", data(1, 10), blob.WriterOptions{})
			for op, err := range map[string]error{"attributes": attrsErr, "read": readErr, "list": listErr, "write": writeErr, "remove": b.Remove(t.Context(), "k")} {
				var refused *bucket.RefusedError
				if !errors.As(err, &refused) || bucket.IsNotFound(err) || !strings.Contains(err.Error(), "does not exist") {
					t.Errorf("%s: %v", op, err)
				}
			}
		})
	}
	t.Run("wrong secret", func(t *testing.T) {
		const wrong = "another-s3cret"
		b, err := bucket.Open(t.Context(), kinds["r2"](newBucket(t)), bucket.WithR2(bucket.R2{AccessKeyID: accessKey, SecretAccessKey: wrong}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.ReadAll(t.Context(), "k")
		if err == nil || !strings.Contains(err.Error(), "R2_SECRET_ACCESS_KEY") || strings.Contains(err.Error(), wrong) || bucket.IsNotFound(err) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("denied", func(t *testing.T) {
		name := newBucket(t)
		b := open(t, kinds["s3"](name))
		gateway.faults.Answer = func(w http.ResponseWriter, _ *http.Request, status int) {
			s3Error(w, status, "AccessDenied", "Access Denied")
		}
		defer func() { gateway.faults.Answer = nil }()
		gateway.faults.Next(fault.Error403, func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/"+name) })
		_, err := b.ReadAll(t.Context(), "k")
		if err == nil || !strings.Contains(err.Error(), "s3:GetObject") || bucket.IsNotFound(err) {
			t.Errorf("error %v", err)
		}
	})
}
