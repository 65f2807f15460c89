package ossblob

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"gocloud.dev/blob/driver"
)

// Attributes implements [driver.Bucket].
func (b *Bucket) Attributes(ctx context.Context, key string) (*driver.Attributes, error) {
	h, err := b.head(ctx, &oss.HeadObjectRequest{Bucket: &b.name, Key: &key})
	if err != nil {
		return nil, err
	}
	sum, err := base64.StdEncoding.DecodeString(oss.ToString(h.ContentMD5))
	if err != nil || len(sum) == 0 {
		sum = nil // what came in parts has none
	}
	return &driver.Attributes{
		CacheControl:       oss.ToString(h.CacheControl),
		ContentDisposition: oss.ToString(h.ContentDisposition),
		ContentEncoding:    oss.ToString(h.ContentEncoding),
		ContentLanguage:    h.Headers.Get("Content-Language"),
		ContentType:        oss.ToString(h.ContentType),
		Metadata:           decodeMetadata(h.Metadata),
		ModTime:            oss.ToTime(h.LastModified),
		Size:               h.ContentLength,
		MD5:                sum,
		ETag:               oss.ToString(h.ETag),
		AsFunc:             asker(h),
	}, nil
}

// head asks for an object without its content. The answer to HEAD has no body;
// the code of a refusal comes in a header, and where that is missing a GET of
// one byte tells whether it is the object or the bucket that is not there.
func (b *Bucket) head(ctx context.Context, in *oss.HeadObjectRequest) (*oss.HeadObjectResult, error) {
	h, _, err := call(ctx, b, func(ctx context.Context) (*oss.HeadObjectResult, error) {
		return b.client.HeadObject(ctx, in)
	})
	var answer *oss.ServiceError
	if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound && answer.Headers.Get(oss.HeaderOssERR) == "" {
		first := "bytes=0-0"
		r, _, getErr := call(ctx, b, func(ctx context.Context) (*oss.GetObjectResult, error) {
			return b.client.GetObject(ctx, &oss.GetObjectRequest{Bucket: in.Bucket, Key: in.Key, Range: &first})
		})
		if getErr != nil {
			return nil, getErr
		}
		_ = r.Body.Close()
	}
	return h, err
}

// reader reads one answer to GET.
type reader struct {
	io.ReadCloser
	attrs driver.ReaderAttributes
	raw   *oss.GetObjectResult
}

// Attributes implements [driver.Reader].
func (r *reader) Attributes() *driver.ReaderAttributes { return &r.attrs }

// As implements [driver.Reader].
func (r *reader) As(i any) bool { return as(i, r.raw) }

// NewRangeReader implements [driver.Bucket]. The bytes are those stored: what
// carries Content-Encoding: gzip is not unpacked. A body that breaks off before
// its announced length is an error when it is read.
func (b *Bucket) NewRangeReader(ctx context.Context, key string, offset, length int64, opts *driver.ReaderOptions) (driver.Reader, error) {
	standard := "standard" // else a range beyond the end is answered with the whole object
	in := &oss.GetObjectRequest{Bucket: &b.name, Key: &key, RangeBehavior: &standard}
	if offset > 0 || length > 0 {
		in.Range = (oss.HTTPRange{Offset: offset, Count: max(0, length)}).FormatHTTPRange()
	}
	if opts.BeforeRead != nil {
		if err := opts.BeforeRead(asker(in)); err != nil {
			return nil, err
		}
	}
	if length == 0 {
		return b.nothing(ctx, in)
	}
	r, _, err := call(ctx, b, func(ctx context.Context) (*oss.GetObjectResult, error) {
		return b.client.GetObject(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	size := r.ContentLength
	if _, total, ok := strings.Cut(oss.ToString(r.ContentRange), "/"); ok {
		if n, err := strconv.ParseInt(total, 10, 64); err == nil {
			size = n
		}
	}
	return &reader{r.Body, attributes(r.ContentType, r.LastModified, size), r}, nil
}

// nothing reads no byte of an object, which no range can ask for.
func (b *Bucket) nothing(ctx context.Context, in *oss.GetObjectRequest) (driver.Reader, error) {
	h, err := b.head(ctx, &oss.HeadObjectRequest{Bucket: in.Bucket, Key: in.Key, IfMatch: in.IfMatch})
	if err != nil {
		return nil, err
	}
	return &reader{http.NoBody, attributes(h.ContentType, h.LastModified, h.ContentLength), &oss.GetObjectResult{}}, nil
}

func attributes(kind *string, at *time.Time, size int64) driver.ReaderAttributes {
	return driver.ReaderAttributes{ContentType: oss.ToString(kind), ModTime: oss.ToTime(at), Size: size}
}
