package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"cloud.google.com/go/storage"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// NewRangeReader opens length bytes from offset of the object at key, to its
// end if length is negative. As in every read of a Bucket, the bytes are those
// stored: what carries Content-Encoding: gzip is not unpacked on the way, which
// Cloud Storage does unless asked not to
// (docs.cloud.google.com/storage/docs/transcoding). The error is [IsNotFound]
// if there is no such object, and an [*ObjectRefusedError] if the store refuses
// this object alone.
func (b *Bucket) NewRangeReader(ctx context.Context, key string, offset, length int64, opts *blob.ReaderOptions) (*blob.Reader, error) {
	if err := b.Admit(ctx, key, false); err != nil {
		return nil, err
	}
	if b.leadsElsewhere(key) {
		return nil, fmt.Errorf("%s: %w", key, errNoName)
	}
	var with blob.ReaderOptions
	if opts != nil {
		with = *opts
	}
	before := with.BeforeRead
	with.BeforeRead = func(as func(any) bool) error {
		var handle **storage.ObjectHandle
		if as(&handle) {
			*handle = (*handle).ReadCompressed(true)
		}
		if before != nil {
			return before(as)
		}
		return nil
	}
	r, err := b.Bucket.NewRangeReader(ctx, key, offset, length, &with)
	if err != nil {
		return nil, b.judge(ctx, key, err)
	}
	if r.Size() > 0 { // of an empty object a byte cannot be asked for
		b.read.set(key)
	}
	return r, nil
}

// NewReader is [Bucket.NewRangeReader] for the whole object.
func (b *Bucket) NewReader(ctx context.Context, key string, opts *blob.ReaderOptions) (*blob.Reader, error) {
	return b.NewRangeReader(ctx, key, 0, -1, opts)
}

// Download writes the object at key to w, read as by [Bucket.NewReader].
func (b *Bucket) Download(ctx context.Context, key string, w io.Writer, opts *blob.ReaderOptions) error {
	r, err := b.NewReader(ctx, key, opts)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	_, err = io.Copy(w, r)
	return err
}

// ReadAll returns the object at key, read as by [Bucket.NewReader].
func (b *Bucket) ReadAll(ctx context.Context, key string) ([]byte, error) {
	r, err := b.NewReader(ctx, key, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(r)
}

// Attributes tells about the object at key. The errors are those of
// [Bucket.NewRangeReader].
func (b *Bucket) Attributes(ctx context.Context, key string) (*blob.Attributes, error) {
	if err := b.Admit(ctx, key, false); err != nil {
		return nil, err
	}
	if b.leadsElsewhere(key) {
		return nil, fmt.Errorf("%s: %w", key, errNoName)
	}
	a, err := b.Bucket.Attributes(ctx, key)
	return a, b.judge(ctx, key, err)
}

// ErrChanged is returned when an object is not the version that was seen.
var ErrChanged = errors.New("object changed since it was looked at")

// ReadIf opens the object at key if it still is the version that seen, from
// Attributes, tells of (s3, r2, oss: its ETag; gs: its generation; file, mem: its
// time, size and inode). Else the error is [ErrChanged], or [IsNotFound]. What
// is read is that version to its end, whatever happens to the object meanwhile;
// a body that breaks off before its announced length is an error, not an end.
func (b *Bucket) ReadIf(ctx context.Context, key string, seen *blob.Attributes) (*blob.Reader, error) {
	r, err := b.NewReader(ctx, key, &blob.ReaderOptions{BeforeRead: func(as func(any) bool) error {
		var in *s3.GetObjectInput
		if as(&in) {
			in.IfMatch = &seen.ETag
		}
		var get *oss.GetObjectRequest
		if as(&get) {
			get.IfMatch = &seen.ETag
		}
		var handle **storage.ObjectHandle
		var attrs storage.ObjectAttrs
		if as(&handle) && seen.As(&attrs) {
			*handle = (*handle).If(storage.Conditions{GenerationMatch: attrs.Generation})
		}
		return nil
	}})
	switch {
	case gcerrors.Code(err) == gcerrors.FailedPrecondition:
		return nil, fmt.Errorf("read %s: %w", key, ErrChanged)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", key, err)
	case (b.kind == "file" || b.kind == "mem") && !unchanged(r, seen):
		_ = r.Close()
		return nil, fmt.Errorf("read %s: %w", key, ErrChanged)
	}
	return r, nil
}

// unchanged compares what was opened with what was seen. The file is compared
// too, where there is one: its time may be the same after a few milliseconds.
func unchanged(r *blob.Reader, seen *blob.Attributes) bool {
	if !r.ModTime().Equal(seen.ModTime) || r.Size() != seen.Size {
		return false
	}
	var before os.FileInfo
	var body io.Reader
	if !seen.As(&before) || !r.As(&body) {
		return true
	}
	file, ok := body.(*os.File)
	if !ok {
		return true
	}
	now, err := file.Stat()
	return err == nil && os.SameFile(before, now)
}

// IsVersion tells whether two looks at an object, from Attributes, saw the same
// version of it.
func IsVersion(a, b *blob.Attributes) bool {
	var before, now os.FileInfo
	if a.As(&before) && b.As(&now) && !os.SameFile(before, now) {
		return false
	}
	return ContentTag(a.ETag) == ContentTag(b.ETag) && a.Size == b.Size
}

// Pins tells whether a reader of [Bucket.ReadIf] holds to its version whatever
// happens. In a directory it does only as long as files are replaced by
// renaming: one that is written in place has to be looked at again afterwards.
func (b *Bucket) Pins() bool { return b.kind != "file" && b.kind != "mem" }

// Reachable returns nil if the bucket is there and can be listed, for whoever
// must not take a missing bucket for missing objects.
func (b *Bucket) Reachable(ctx context.Context) error {
	if b.dir != nil {
		if _, err := os.Stat(b.dir.path); err != nil {
			return err
		}
	}
	_, _, err := b.ListPage(ctx, blob.FirstPageToken, 1, nil)
	return err
}
