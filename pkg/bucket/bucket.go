// Package bucket opens the buckets siemfeed reads and writes, by URL, and adds
// to gocloud.dev/blob the two promises the functions stand on: an object that
// is created exactly once whoever else tries, on every kind of bucket, and
// state that never lies where a SIEM would pick it up.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
)

// Bucket is a blob.Bucket that knows where it is and how to create an object
// at most once.
type Bucket struct {
	*blob.Bucket
	// URL is the address it was opened with.
	URL string
	// kind is the URL's scheme, prefix the folder that it names.
	kind, prefix string
	// dir writes the objects of file://; nil elsewhere.
	dir *directory
	// read is an object known to be readable, see [Bucket.judge].
	read lastRead
	// guard is asked first, see [Bucket.Guard].
	guard Guard
	// createOnly asks whether objects can be created at most once; nil where
	// they always can, see [Bucket.CreateOnly].
	createOnly func(context.Context) error
	// heads are buffers of uploads that are over, to be used again.
	heads sync.Pool // of *bytes.Buffer
	// closers release what Bucket does not own.
	closers []func() error
}

// Option adds to [Open] what a URL must not or need not say.
type Option func(*options)

type options struct {
	r2    R2
	oss   alibaba.Provider
	watch []func(http.RoundTripper) http.RoundTripper
}

// transport puts what watches the bucket's requests around inner.
func (o options) transport(inner http.RoundTripper) http.RoundTripper {
	for _, w := range o.watch {
		inner = w(inner)
	}
	return inner
}

// WithR2 opens r2:// URLs with these credentials.
func WithR2(r R2) Option { return func(o *options) { o.r2 = r } }

// WithTransport lets every request of the bucket pass through what wrap makes
// of the store's own transport, each try of a request by itself. What is
// beneath is as without it: signatures, tokens, HTTP/2 and time-outs. Buckets
// on file:// and mem:// make no requests.
func WithTransport(wrap func(http.RoundTripper) http.RoundTripper) Option {
	return func(o *options) { o.watch = append(o.watch, wrap) }
}

// Open opens a bucket from a URL such as gs://bucket?prefix=folder/,
// s3://bucket?region=…&endpoint=…, r2://bucket?account_id=…,
// oss://bucket?region=…, file:///dir?create_dir=true or mem://. A bare name
// means gs://name. Nothing is asked of the bucket yet, so a bucket that does not
// exist shows at the first use, on s3, r2 and oss as a [*RefusedError], and one
// in which nothing can be created only once by [Bucket.CreateOnly].
//
// An upload that is cut off leaves no part behind where it can still be
// aborted; for a process that is killed in the middle the bucket should have a
// lifecycle rule for incomplete multipart uploads (R2 has one of 7 days).
func Open(ctx context.Context, raw string, opts ...Option) (*Bucket, error) {
	var o options
	for _, set := range opts {
		set(&o)
	}
	a, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	b := &Bucket{URL: a.String(), kind: a.Scheme, prefix: a.Prefix}
	if err := schemes[a.Scheme].open(ctx, b, a, o); err != nil {
		return nil, fmt.Errorf("bucket %s://%s%s: %w", a.Scheme, a.Name, a.dir, err)
	}
	b.Bucket = under(b.Bucket, a)
	return b, nil
}

// Close releases what the bucket holds.
func (b *Bucket) Close() error {
	errs := []error{b.Bucket.Close()}
	if b.dir != nil {
		errs = append(errs, b.dir.close())
	}
	for _, c := range b.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}
