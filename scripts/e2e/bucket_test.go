package e2e

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/bucket/buckettest"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

// sizes are those of an upload in one request, and of one in chunks.
var sizes = map[string]int{"one request": 1000, "chunks": 18<<20 + 7}

func bytesOf(n int) []byte {
	data := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = rng.Read(data)
	return data
}

func TestCreateOnly(t *testing.T) {
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			ctx, b := t.Context(), open(t, "gs://"+newBucket()+"?prefix=deep/")
			first := bytesOf(size)
			if _, err := b.Create(ctx, "a/b c.gz", bytes.NewReader(first), blob.WriterOptions{ContentType: "application/gzip"}); err != nil {
				t.Fatal(err)
			}
			_, err := b.Create(ctx, "a/b c.gz", bytes.NewReader(bytesOf(size+1)), blob.WriterOptions{ContentType: "application/gzip"})
			if !errors.Is(err, bucket.ErrExists) {
				t.Fatalf("second create: %v", err)
			}
			got, err := b.ReadAll(ctx, "a/b c.gz")
			if err != nil || !bytes.Equal(got, first) {
				t.Fatalf("object has %d bytes, want the first %d; %v", len(got), size, err)
			}
			attrs, err := b.Attributes(ctx, "a/b c.gz")
			if sum := md5.Sum(first); err != nil || attrs.ContentType != "application/gzip" || attrs.ContentEncoding != "" || !bytes.Equal(attrs.MD5, sum[:]) {
				t.Fatalf("attributes %+v, %v", attrs, err)
			}
		})
	}
}

func TestCreateHasOneWinner(t *testing.T) {
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			ctx, b := t.Context(), open(t, "gs://"+newBucket())
			var won atomic.Int64
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					_, err := b.Create(ctx, "one", bytes.NewReader(bytesOf(size+i)), blob.WriterOptions{})
					switch {
					case err == nil:
						won.Add(1)
					case !errors.Is(err, bucket.ErrExists):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				t.Errorf("%d creators succeeded", won.Load())
			}
		})
	}
}

func TestDamagedUploadIsRefused(t *testing.T) {
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			ctx, b := t.Context(), open(t, "gs://"+newBucket())
			sum := md5.Sum([]byte("something else"))
			if _, err := b.Create(ctx, "k", bytes.NewReader(bytesOf(size)), blob.WriterOptions{ContentMD5: sum[:]}); err == nil {
				t.Error("an upload with another MD5 than announced was taken")
			}
			if there, err := b.Exists(ctx, "k"); there || err != nil {
				t.Errorf("it is there: %v, %v", there, err)
			}
		})
	}
}

func TestCancelledUploadLeavesNothing(t *testing.T) {
	b := open(t, "gs://"+newBucket())
	ctx, cancel := context.WithCancel(t.Context())
	broken := errors.New("broken")
	_, err := b.Create(ctx, "k", &failing{r: bytes.NewReader(bytesOf(18 << 20)), err: broken}, blob.WriterOptions{})
	cancel()
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if there, err := b.Exists(t.Context(), "k"); there || err != nil {
		t.Errorf("it is there: %v, %v", there, err)
	}
}

// failing ends with err instead of EOF.
type failing struct {
	r   *bytes.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.r.Len() == 0 {
		return 0, f.err
	}
	return f.r.Read(p)
}

// storm makes storage fail at random until the test ends.
func storm(t *testing.T, seed uint64, name string) {
	gcs.faults.Match = func(r *http.Request) bool { return strings.Contains(r.URL.Path, name) }
	gcs.faults.Random(seed, map[fault.Kind]float64{fault.Error503: 0.05, fault.Error500: 0.02, fault.Error429: 0.02, fault.ResetBefore: 0.03})
	t.Cleanup(func() { gcs.faults.Random(0, nil) })
}

func TestFaultsAreRetried(t *testing.T) {
	name := newBucket()
	ctx, b := t.Context(), open(t, "gs://"+name)
	storm(t, 1, name)
	for i := range 30 {
		key, data := fmt.Sprintf("k%d", i), bytesOf(1000*i)
		if _, err := b.Create(ctx, key, bytes.NewReader(data), blob.WriterOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := b.PutJSON(ctx, key+".json", i); err != nil {
			t.Fatalf("put: %v", err)
		}
		if got, err := b.ReadAll(ctx, key); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("read %d bytes, %v", len(got), err)
		}
		if err := b.Remove(ctx, key); err != nil {
			t.Fatalf("remove: %v", err)
		}
	}
	if n := len(gcs.faults.Counts()); n == 0 {
		t.Fatal("nothing failed")
	}
}

func TestForbiddenIsNotAbsent(t *testing.T) {
	name := newBucket()
	ctx, b := t.Context(), open(t, "gs://"+name)
	if err := b.PutJSON(ctx, "k", 1); err != nil {
		t.Fatal(err)
	}
	here := func(r *http.Request) bool { return strings.Contains(r.URL.Path, name) }
	gcs.faults.Next(fault.Error403, here)
	if _, err := b.ReadAll(ctx, "k"); err == nil || bucket.IsNotFound(err) {
		t.Errorf("a forbidden read counts as absent: %v", err)
	}
	gcs.faults.Next(fault.Error403, here)
	if err := b.Remove(ctx, "k"); err == nil {
		t.Error("a forbidden delete counts as done")
	}
	if _, err := b.ReadAll(ctx, "gone"); !bucket.IsNotFound(err) {
		t.Errorf("an absent object: %v", err)
	}
}

func TestSeries(t *testing.T) {
	buckettest.Series(t, buckettest.Kind{Open: func(t *testing.T) *bucket.Bucket {
		return open(t, "gs://"+newBucket()+"?prefix=below/")
	}})
}

func TestList(t *testing.T) {
	buckettest.List(t, open(t, "gs://"+newBucket()+"?prefix=below/"))
}
