package gunzipcsv_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"
	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// stuck is a bucket whose reads or writes of an object come to a point at which
// they go no further.
type stuck struct {
	*flaky
	at   int64 // bytes of the object that pass
	stop func(context.Context) error
	// until, if set, puts the stop off: bytes trickle on until it is closed, so
	// slowly that nothing is held back on the way.
	until <-chan struct{}
}

// makeStuck puts stuck between a bucket and its user.
func makeStuck(b *bucket.Bucket, at int64, stop func(context.Context) error, until <-chan struct{}) {
	b.Bucket = blob.NewBucket(&stuck{makeFlaky(b, 1, 0), at, stop, until})
}

// point is where one stream of a stuck bucket stops.
type point struct {
	*stuck
	ctx  context.Context
	left int64
}

func (s *stuck) point(ctx context.Context) point { return point{s, ctx, s.at} }

func (p *point) pass(n int) (int, error) {
	if p.left == 0 {
		if p.until == nil {
			return 0, p.stop(p.ctx)
		}
		select {
		case <-p.until:
			return 0, p.stop(p.ctx)
		case <-time.After(time.Millisecond):
			return min(n, 4<<10), nil
		}
	}
	n = int(min(int64(n), p.left))
	p.left -= int64(n)
	return n, nil
}

func (s *stuck) NewRangeReader(ctx context.Context, key string, offset, length int64, opts *driver.ReaderOptions) (driver.Reader, error) {
	r, err := s.flaky.NewRangeReader(ctx, key, offset, length, opts)
	return &stuckReader{r, s.point(ctx)}, err
}

type stuckReader struct {
	driver.Reader
	point point
}

func (r *stuckReader) Read(p []byte) (int, error) {
	n, err := r.point.pass(len(p))
	if err != nil {
		return 0, err
	}
	n, err = r.Reader.Read(p[:n])
	return n, err
}

func (s *stuck) NewTypedWriter(ctx context.Context, key, contentType string, opts *driver.WriterOptions) (driver.Writer, error) {
	w, err := s.flaky.NewTypedWriter(ctx, key, contentType, opts)
	return &stuckWriter{w, s.point(ctx)}, err
}

type stuckWriter struct {
	driver.Writer
	point point
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		n, err := w.point.pass(len(p) - done)
		if err == nil {
			n, err = w.Writer.Write(p[done : done+n])
		}
		done += n
		if err != nil {
			return done, err
		}
	}
	return len(p), nil
}

// One end of a large object hangs for ever, and nothing but its context ends
// that. Whatever else goes wrong meanwhile ends the run, long before its time
// is up, with that error; nothing is left at the target and nothing goes on.
func TestOneEndHangs(t *testing.T) {
	// A goroutine of its own reads and another writes from 1 MiB on, each in
	// blocks of 128 KiB, four at most. The target stops within its first block
	// after that, and the source, where it hangs, at what the blocks between take
	// without the target.
	const begun, given = 1<<20 + 64<<10, 1<<20 + 448<<10
	broken := errors.New("the other end is broken")
	for name, tc := range map[string]struct {
		source, target func(hangs func(context.Context) error, hung <-chan struct{}, cut context.CancelFunc) func(context.Context) error
		trickles       bool   // the source, until the target hangs
		want           string // of the error
	}{
		"target, source is broken":    {source: breaks(broken), target: hangs, trickles: true, want: broken.Error()},
		"target, the run is cut off":  {source: cuts, target: hangs, trickles: true},
		"source, target is broken":    {source: hangs, target: breaks(broken), want: broken.Error()},
		"source, the run is cut off":  {source: hangs, target: cuts},
		"both, until the run is over": {source: hangs, target: hangs, want: "RUN_TIMEOUT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := asleep(t, map[string]string{"DEST_URL": "mem://"})
				text := rows(4 << 20)
				w.put("a.log.gz", stored(t, text))
				w.notify("a.log.gz")

				ctx, cut := context.WithCancel(t.Context())
				defer cut()
				hung := make(chan struct{})
				var once sync.Once
				hang := func(ctx context.Context) error {
					once.Do(func() { close(hung) })
					<-ctx.Done()
					return ctx.Err()
				}
				faulty := *w
				faulty.parts.Source, faulty.parts.Dest = w.open(w.env["SOURCE_URL"]), w.inMemory()
				if tc.trickles {
					makeStuck(faulty.parts.Source, begun, tc.source(hang, hung, cut), hung)
				} else {
					makeStuck(faulty.parts.Source, given, tc.source(hang, hung, cut), nil)
				}
				makeStuck(faulty.parts.Dest, begun, tc.target(hang, hung, cut), nil)
				began := time.Now()
				_, err := faulty.function().Run(ctx, tick)
				if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
					t.Errorf("the run ended with %v, want %q", err, tc.want)
				}
				limit := time.Minute
				if tc.want == "RUN_TIMEOUT" {
					limit += w.config().RunTimeout
				}
				if took := time.Since(began); took > limit {
					t.Errorf("the run ended after %v", took)
				}
				w.wantAll(map[string]string{}, nil)

				if r, err := run(t, w.function(), tick); err != nil || r.Status != receipt.OK {
					t.Fatalf("the next run: %v, %+v", err, r)
				}
				w.wantAll(map[string]string{"a.csv": text}, nil)
			})
		})
	}
}

// hangs is an end that hangs.
func hangs(hang func(context.Context) error, _ <-chan struct{}, _ context.CancelFunc) func(context.Context) error {
	return hang
}

// breaks is an end that fails as soon as the other one hangs.
func breaks(err error) func(func(context.Context) error, <-chan struct{}, context.CancelFunc) func(context.Context) error {
	return func(_ func(context.Context) error, hung <-chan struct{}, _ context.CancelFunc) func(context.Context) error {
		return func(ctx context.Context) error {
			select {
			case <-hung:
			case <-ctx.Done():
			}
			return err
		}
	}
}

// cuts is an end at which the run is cut off as soon as the other one hangs.
func cuts(_ func(context.Context) error, hung <-chan struct{}, cut context.CancelFunc) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-hung:
			cut()
		case <-ctx.Done():
		}
		<-ctx.Done()
		return ctx.Err()
	}
}

// stored is gzip of text in which every byte is where it is in text, or little
// behind.
func stored(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	zw, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zw.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
