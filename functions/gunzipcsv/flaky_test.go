package gunzipcsv_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// flaky is a bucket whose calls fail now and then: before they do anything,
// half-way, and after they have done it, with the answer lost.
type flaky struct {
	b *blob.Bucket
	p float64

	mu     sync.Mutex
	rng    *rand.Rand
	faults int
}

var errFlaky = errors.New("connection reset")

// makeFlaky puts faults between a bucket and its user.
func makeFlaky(b *bucket.Bucket, seed uint64, p float64) *flaky {
	f := &flaky{b: b.Bucket, p: p, rng: rand.New(rand.NewPCG(seed, 9))}
	b.Bucket = blob.NewBucket(f)
	return f
}

func (f *flaky) fails() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rng.Float64() < f.p {
		f.faults++
		return true
	}
	return false
}

func (f *flaky) within(n int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rng.Int64N(n + 1)
}

func (f *flaky) ErrorCode(err error) gcerrors.ErrorCode { return gcerrors.Code(err) }
func (f *flaky) As(i any) bool                          { return f.b.As(i) }
func (f *flaky) ErrorAs(err error, i any) bool          { return false }
func (f *flaky) Close() error                           { return f.b.Close() }

func (f *flaky) Attributes(ctx context.Context, key string) (*driver.Attributes, error) {
	if f.fails() {
		return nil, errFlaky
	}
	a, err := f.b.Attributes(ctx, key)
	if err != nil {
		return nil, err
	}
	return &driver.Attributes{ContentType: a.ContentType, Metadata: a.Metadata, ModTime: a.ModTime, Size: a.Size, ETag: a.ETag, AsFunc: a.As}, nil
}

func (f *flaky) ListPaged(ctx context.Context, opts *driver.ListOptions) (*driver.ListPage, error) {
	if f.fails() {
		return nil, errFlaky
	}
	token := opts.PageToken
	if len(token) == 0 {
		token = blob.FirstPageToken
	}
	size := opts.PageSize
	if size == 0 {
		size = 1000
	}
	list, next, err := f.b.ListPage(ctx, token, size, &blob.ListOptions{Prefix: opts.Prefix})
	page := &driver.ListPage{NextPageToken: next}
	for _, o := range list {
		page.Objects = append(page.Objects, &driver.ListObject{Key: o.Key, ModTime: o.ModTime, Size: o.Size, AsFunc: o.As})
	}
	return page, err
}

func (f *flaky) NewRangeReader(ctx context.Context, key string, offset, length int64, opts *driver.ReaderOptions) (driver.Reader, error) {
	if f.fails() {
		return nil, errFlaky
	}
	r, err := f.b.NewRangeReader(ctx, key, offset, length, nil)
	if err != nil {
		return nil, err
	}
	out := &flakyReader{Reader: r, end: -1}
	if f.fails() {
		out.end, out.err = f.within(r.Size()), errFlaky
		if f.within(1) == 0 {
			out.err = io.EOF // as if that were all
		}
	}
	return out, nil
}

type flakyReader struct {
	*blob.Reader
	end int64 // where it breaks off; negative: nowhere
	err error
}

func (r *flakyReader) Read(p []byte) (int, error) {
	if r.end < 0 {
		return r.Reader.Read(p)
	}
	if r.end == 0 {
		return 0, r.err
	}
	n, err := r.Reader.Read(p[:min(int64(len(p)), r.end)])
	r.end -= int64(n)
	return n, err
}

func (r *flakyReader) Attributes() *driver.ReaderAttributes {
	return &driver.ReaderAttributes{ContentType: r.ContentType(), ModTime: r.ModTime(), Size: r.Size()}
}

func (f *flaky) NewTypedWriter(ctx context.Context, key, contentType string, opts *driver.WriterOptions) (driver.Writer, error) {
	if f.fails() {
		return nil, errFlaky
	}
	ctx, cancel := context.WithCancel(ctx)
	w, err := f.b.NewWriter(ctx, key, &blob.WriterOptions{ContentType: contentType, Metadata: opts.Metadata, IfNotExist: opts.IfNotExist, DisableContentTypeDetection: contentType == ""})
	if err != nil {
		cancel()
		return nil, err
	}
	return &flakyWriter{f: f, w: w, cancel: cancel}, nil
}

type flakyWriter struct {
	f      *flaky
	w      *blob.Writer
	cancel context.CancelFunc
}

func (w *flakyWriter) Write(p []byte) (int, error) {
	if w.f.within(20) == 0 && w.f.fails() { // an object has many
		return 0, errFlaky
	}
	return w.w.Write(p)
}

func (w *flakyWriter) Close() error {
	defer w.cancel()
	if w.f.fails() {
		w.cancel()
		_ = w.w.Close()
		return errFlaky
	}
	err := w.w.Close()
	if err == nil && w.f.fails() {
		return errFlaky // done, and nobody knows
	}
	return err
}

func (f *flaky) Copy(context.Context, string, string, *driver.CopyOptions) error {
	return fmt.Errorf("copy: %w", errors.ErrUnsupported)
}

func (f *flaky) Delete(ctx context.Context, key string, _ *driver.DeleteOptions) error {
	if f.fails() {
		return errFlaky
	}
	return f.b.Delete(ctx, key)
}

func (f *flaky) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errors.ErrUnsupported
}

// TestFaultyBuckets lets the source and the destination fail in every way while
// the queue is drained.
func TestFaultyBuckets(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]string{"DEST_URL": "mem://", "CONCURRENCY": "16"})
			targets, rejected := w.mixture(rand.New(rand.NewPCG(seed, 2)), 60)
			source, dest := w.drainFaulty(seed)
			w.wantAll(targets, rejected)
			if source.faults < 20 || dest.faults < 20 {
				t.Errorf("%d faults of the source, %d of the destination", source.faults, dest.faults)
			}
		})
	}
}

// inMemory opens the destination of a world once more. It has to be mem://, where
// writes too go through what is put before the bucket.
func (w *world) inMemory() *bucket.Bucket {
	w.t.Helper()
	if w.env["DEST_URL"] != "mem://" {
		w.t.Fatal("the destination is not in memory")
	}
	b := w.open("mem://")
	b.Bucket = w.parts.Dest.Bucket
	return b
}

// drainFaulty drains the queue between buckets that fail in every way.
func (w *world) drainFaulty(seed uint64) (source, dest *flaky) {
	w.t.Helper()
	broken := *w
	broken.parts.Source, broken.parts.Dest = w.open(w.env["SOURCE_URL"]), w.inMemory()
	source, dest = makeFlaky(broken.parts.Source, seed, 0.12), makeFlaky(broken.parts.Dest, seed+100, 0.12)
	f := broken.function()
	for n := 0; w.queue.Backlog() > 0; n++ {
		r, err := run(w.t, f, tick)
		if (err != nil) != (r.Returned > 0) {
			w.t.Errorf("%v, %d returned", err, r.Returned)
		}
		if err := r.Balance(); err != nil {
			w.t.Error(err)
		}
		if n > 100 {
			w.t.Fatalf("%d messages are left: %v", w.queue.Backlog(), err)
		}
		time.Sleep(time.Millisecond)
	}
	return source, dest
}
