package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/klauspost/compress/gzip"
	"github.com/sethvargo/go-envconfig"
	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/objcsv"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// A year of objects, one every half minute, and what a request takes.
const (
	verifyObjects = 1_000_000
	verifyPart    = 256 // lines of a manifest's part
	verifyWait    = 40 * time.Millisecond
)

// verified is what a process tells of a verification.
type verified struct {
	Found               gunzipcsv.Verified
	Took                time.Duration
	Lists, Looks, Reads int64
}

// gunzipcsvVerify verifies a million objects, which are made as they are asked
// for, in a process of its own.
func gunzipcsvVerify(ctx context.Context, t *table) error {
	dir, err := os.MkdirTemp("", "siemfeed-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// With the garbage that the function allows itself.
	env := map[string]string{"GOGC": "50", "BENCH_FLOOR": "verify", "BENCH_TOLD": filepath.Join(dir, "told.json")}
	p, err := self(ctx, dir, env, "gunzipcsv", "floor")
	if err != nil {
		return err
	}
	defer p.kill()
	used, err := p.wait()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(env["BENCH_TOLD"])
	if err != nil {
		return err
	}
	var told verified
	if err := json.Unmarshal(text, &told); err != nil {
		return err
	}
	if v := told.Found; v.Converted != verifyObjects || !v.Complete() {
		return fmt.Errorf("%d of %d objects are converted: %+v", v.Converted, verifyObjects, v)
	}
	t.add(fmt.Sprintf("verify of %d objects, %v a request", verifyObjects, verifyWait), told.Took.Round(time.Second).String()).
		want("≤ 5 min", told.Took <= 5*time.Minute)
	t.add("… requests", fmt.Sprintf("%d lists, %d reads of manifests, %d objects looked at", told.Lists, told.Reads, told.Looks))
	t.add("… processor time", used.CPU.Round(time.Second).String())
	t.add("… peak RSS", mib(used.PeakRSS)).want("≤ 128 MiB", used.PeakRSS <= 128<<20)
	return nil
}

// verifyFloor is the process.
func verifyFloor(ctx context.Context) error {
	s := &fabled{}
	var cfg gunzipcsv.Config
	env := map[string]string{"SOURCE_URL": "s3://source?region=x", "DEST_URL": "s3://dest?region=x", "STATE_URL": "s3://state?region=x"}
	if err := config.Load(ctx, envconfig.MapLookuper(env), &cfg); err != nil {
		return err
	}
	source, dest, state := s.bucket(fabledSource), s.bucket(fabledDest), s.bucket(fabledState)
	f, err := gunzipcsv.Build(cfg, gunzipcsv.Parts{Source: source, Dest: dest, State: state, Quarantine: s.bucket(fabledNothing)},
		serve.WithLog(ctx, "gunzipcsv", slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	began := time.Now()
	v, err := f.Verify(ctx, gunzipcsv.VerifyOptions{})
	if err != nil {
		return err
	}
	told := verified{Found: v, Took: time.Since(began), Lists: s.lists.Load(), Looks: s.looks.Load(), Reads: s.reads.Load()}
	text, err := json.Marshal(told)
	if err != nil {
		return err
	}
	return os.WriteFile(os.Getenv("BENCH_TOLD"), text, 0o600) //nolint:gosec // the caller names it
}

// fabled are buckets of a million converted objects that nobody holds.
type fabled struct{ lists, looks, reads atomic.Int64 }

// The buckets.
const (
	fabledNothing = iota
	fabledSource
	fabledDest
	fabledState
)

func (s *fabled) bucket(kind int) *bucket.Bucket {
	return &bucket.Bucket{Bucket: blob.NewBucket(&fabledBucket{s, kind}), URL: "fabled://"}
}

// fabledBucket is one of them, without what is not asked of it.
type fabledBucket struct {
	*fabled
	kind int
}

var errFabled = errors.New("not found")

func (*fabledBucket) ErrorCode(error) gcerrors.ErrorCode { return gcerrors.NotFound }
func (*fabledBucket) As(any) bool                        { return false }
func (*fabledBucket) ErrorAs(error, any) bool            { return false }
func (*fabledBucket) Close() error                       { return nil }

func (*fabledBucket) Copy(context.Context, string, string, *driver.CopyOptions) error {
	return errors.ErrUnsupported
}

func (*fabledBucket) Delete(context.Context, string, *driver.DeleteOptions) error {
	return errors.ErrUnsupported
}

func (*fabledBucket) SignedURL(context.Context, string, *driver.SignedURLOptions) (string, error) {
	return "", errors.ErrUnsupported
}

func (*fabledBucket) NewTypedWriter(context.Context, string, string, *driver.WriterOptions) (driver.Writer, error) {
	return nil, errors.ErrUnsupported
}

func (b *fabledBucket) Attributes(context.Context, string) (*driver.Attributes, error) {
	time.Sleep(verifyWait)
	b.looks.Add(1)
	return nil, errFabled
}

// fabledAt is when all of them were written.
var fabledAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func fabledKey(i int) string {
	return fmt.Sprintf("http_requests/202601%02d/20260102T%07dZ_20260102T030100Z_06b7e0be.log.gz", 1+i/(verifyObjects/28+1), i)
}

func fabledETag(kind, i int) string { return fmt.Sprintf(`"%032x"`, 10*i+kind) }

const fabledRun = "20260102T030405.000-ABCDEFGHIJ"

// object is the i-th of a bucket.
func (b *fabledBucket) object(i int) *driver.ListObject {
	o := &driver.ListObject{ModTime: fabledAt, Size: int64(1000 + i)}
	switch b.kind {
	case fabledSource:
		o.Key = fabledKey(i)
	case fabledDest:
		o.Key = objcsv.TargetKey(fabledKey(i))
	default:
		o.Key = fmt.Sprintf("gunzipcsv/manifests/2026/01/02/%s-%05d-%d.jsonl.gz", fabledRun, i, verifyPart)
	}
	o.AsFunc = func(as any) bool {
		object, ok := as.(*types.Object)
		if ok {
			object.ETag = aws.String(fabledETag(b.kind, i))
		}
		return ok
	}
	return o
}

func (b *fabledBucket) ListPaged(_ context.Context, o *driver.ListOptions) (*driver.ListPage, error) {
	time.Sleep(verifyWait)
	b.lists.Add(1)
	const pageSize = 1000
	total := 0
	switch {
	case b.kind == fabledSource, b.kind == fabledDest:
		total = verifyObjects
	case b.kind == fabledState && strings.HasPrefix(o.Prefix, "gunzipcsv/manifests/"):
		total = (verifyObjects + verifyPart - 1) / verifyPart
	}
	from, _ := strconv.Atoi(string(o.PageToken)) // none is the first
	page := &driver.ListPage{}
	for i := from; i < min(from+pageSize, total); i++ {
		page.Objects = append(page.Objects, b.object(i))
	}
	if from+pageSize < total {
		page.NextPageToken = []byte(strconv.Itoa(from + pageSize))
	}
	return page, nil
}

// NewRangeReader reads a part of a manifest.
func (b *fabledBucket) NewRangeReader(_ context.Context, key string, _, _ int64, _ *driver.ReaderOptions) (driver.Reader, error) {
	time.Sleep(verifyWait)
	rest, ok := strings.CutPrefix(key, "gunzipcsv/manifests/2026/01/02/"+fabledRun+"-")
	if !ok {
		return nil, errFabled
	}
	b.reads.Add(1)
	number, _, _ := strings.Cut(rest, "-")
	part, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	gz, err := gzip.NewWriterLevel(&text, gzip.HuffmanOnly) // in little memory
	if err != nil {
		return nil, err
	}
	enc := json.NewEncoder(gz)
	for i := part * verifyPart; i < min((part+1)*verifyPart, verifyObjects); i++ {
		if err := enc.Encode(gunzipcsv.Written{
			Source: fabledKey(i), SourceETag: fabledETag(fabledSource, i), SourceSize: int64(1000 + i), SourceTime: fabledAt,
			Target: objcsv.TargetKey(fabledKey(i)), TargetETag: fabledETag(fabledDest, i), TargetSize: int64(1000 + i),
			TargetSHA256: fmt.Sprintf("%064x", i), TargetTime: fabledAt,
		}); err != nil {
			return nil, err
		}
	}
	if err := gz.Close(); err != nil {
		return nil, err
	}
	return &fabledReader{bytes.NewReader(text.Bytes())}, nil
}

type fabledReader struct{ *bytes.Reader }

func (r *fabledReader) Attributes() *driver.ReaderAttributes {
	return &driver.ReaderAttributes{Size: r.Size()}
}
func (*fabledReader) As(any) bool  { return false }
func (*fabledReader) Close() error { return nil }
