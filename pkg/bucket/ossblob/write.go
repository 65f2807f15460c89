package ossblob

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"gocloud.dev/blob/driver"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

const (
	// lingerTime is how long a request may go on that would leave something
	// behind if it were cut off: of an upload whose beginning is cut off nobody
	// knows the id, and a part that is still under way outlives an abort
	// (help/developer-reference/abortmultipartupload).
	lingerTime = 3 * time.Second
	// abortTimeout is how long it may take to take back an upload that failed.
	abortTimeout = 30 * time.Second
)

// writer writes an object: in one request if it fits into one part, else in a
// multipart upload, of which up to its concurrency many parts are under way
// while the next one fills.
type writer struct {
	b      *Bucket
	ctx    context.Context
	put    *oss.PutObjectRequest // for an upload in parts too
	forbid bool
	first  int // size of the first part

	buf   []byte
	spare chan []byte // buffers to use again
	slots chan struct{}
	wg    sync.WaitGroup

	id   string // of the multipart upload; empty until one has begun
	sent int    // parts handed over

	mu    sync.Mutex // guards what parts that are under way change
	parts []sentPart
	err   error // the first one
}

type sentPart struct {
	oss.UploadPart
	crc  uint64
	size int
}

// NewTypedWriter implements [driver.Bucket].
func (b *Bucket) NewTypedWriter(ctx context.Context, key, contentType string, opts *driver.WriterOptions) (driver.Writer, error) {
	put := &oss.PutObjectRequest{Bucket: &b.name, Key: &key, Metadata: encodeMetadata(opts.Metadata)}
	for field, value := range map[**string]string{
		&put.ContentType: contentType, &put.CacheControl: opts.CacheControl,
		&put.ContentDisposition: opts.ContentDisposition, &put.ContentEncoding: opts.ContentEncoding,
	} {
		if value != "" {
			*field = &value
		}
	}
	if opts.ContentLanguage != "" {
		put.Headers = map[string]string{"Content-Language": opts.ContentLanguage}
	}
	if opts.IfNotExist {
		put.ForbidOverwrite = oss.Ptr("true")
	}
	if len(opts.ContentMD5) > 0 {
		put.ContentMD5 = oss.Ptr(base64.StdEncoding.EncodeToString(opts.ContentMD5))
	}
	if opts.BeforeWrite != nil {
		if err := opts.BeforeWrite(asker(put)); err != nil {
			return nil, err
		}
	}
	concurrency := opts.MaxConcurrency
	if concurrency <= 0 {
		concurrency = oss.DefaultUploadParallel
	}
	w := &writer{
		b: b, ctx: ctx, put: put, forbid: oss.ToString(put.ForbidOverwrite) == "true",
		first: firstPart, spare: make(chan []byte, concurrency+1), slots: make(chan struct{}, concurrency),
	}
	if opts.BufferSize > 0 {
		w.first = max(opts.BufferSize, int(oss.MinPartSize))
	}
	return w, nil
}

// Write implements [io.Writer].
func (w *writer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		size := partSize(w.first, w.sent)
		if len(w.buf) == size {
			if err := w.send(); err != nil {
				return n - len(p), w.fail(err)
			}
			size = partSize(w.first, w.sent)
		}
		take := min(len(p), size-len(w.buf))
		w.buf = append(w.buf, p[:take]...)
		p = p[take:]
	}
	return n, nil
}

// Close implements [io.Closer]: the object is there whole when it returns nil,
// and nothing is left of it otherwise.
func (w *writer) Close() error {
	err := w.finish()
	w.wg.Wait()
	if err != nil && w.id != "" {
		err = errors.Join(err, w.abort())
	}
	return err
}

func (w *writer) finish() error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if err := w.failed(); err != nil {
		return err
	}
	if w.id == "" {
		return w.single()
	}
	if err := w.send(); err != nil {
		return err
	}
	w.wg.Wait()
	if err := w.failed(); err != nil {
		return err
	}
	return w.complete()
}

// single writes the object in one request.
func (w *writer) single() error {
	if w.forbid {
		if err := w.b.guard(w.ctx); err != nil {
			return err
		}
	}
	out, _, err := call(w.ctx, w.b, func(ctx context.Context) (*oss.PutObjectResult, error) {
		in := *w.put
		in.Body = bytes.NewReader(w.buf)
		return w.b.client.PutObject(ctx, &in)
	})
	if err != nil {
		return err
	}
	return w.b.created(w.forbid, out.VersionId)
}

// send hands the buffer over to be uploaded as the next part.
func (w *writer) send() error {
	if w.id == "" {
		if err := w.begin(); err != nil {
			return err
		}
	}
	if w.sent == maxParts {
		return fmt.Errorf("oss: the object does not fit into %d parts", maxParts)
	}
	select {
	case w.slots <- struct{}{}:
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
	if err := w.failed(); err != nil {
		<-w.slots
		return err
	}
	w.sent++
	number, data := int32(w.sent), w.buf //nolint:gosec // up to 10,000
	w.buf = w.fresh(partSize(w.first, w.sent))
	w.wg.Go(func() {
		defer func() { <-w.slots }()
		w.upload(number, data)
	})
	return nil
}

// fresh returns an empty buffer with room for size bytes.
func (w *writer) fresh(size int) []byte {
	select {
	case b := <-w.spare:
		if cap(b) >= size {
			return b[:0]
		}
	default:
	}
	return make([]byte, 0, size)
}

func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// fail keeps err, if it is the first one, and returns it.
func (w *writer) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	return err
}

// begin begins a multipart upload.
func (w *writer) begin() error {
	if w.forbid {
		if err := w.b.guard(w.ctx); err != nil {
			return err
		}
	}
	ctx, cancel := retry.Linger(w.ctx, lingerTime)
	defer cancel()
	p := w.put
	out, _, err := call(ctx, w.b, func(ctx context.Context) (*oss.InitiateMultipartUploadResult, error) {
		return w.b.client.InitiateMultipartUpload(ctx, &oss.InitiateMultipartUploadRequest{
			Bucket: p.Bucket, Key: p.Key, CacheControl: p.CacheControl, ContentDisposition: p.ContentDisposition,
			ContentEncoding: p.ContentEncoding, ContentType: p.ContentType, Expires: p.Expires, ForbidOverwrite: p.ForbidOverwrite,
			ServerSideEncryption: p.ServerSideEncryption, ServerSideDataEncryption: p.ServerSideDataEncryption,
			ServerSideEncryptionKeyId: p.ServerSideEncryptionKeyId, StorageClass: p.StorageClass, Metadata: p.Metadata,
			Tagging: p.Tagging, RequestCommon: oss.RequestCommon{Headers: p.Headers},
		})
	})
	if err != nil {
		return err
	}
	w.id = oss.ToString(out.UploadId)
	return nil
}

// upload uploads a part. The SDK compares the CRC-64 of what it sent with that
// of what arrived.
func (w *writer) upload(number int32, data []byte) {
	ctx, cancel := retry.Linger(w.ctx, lingerTime)
	defer cancel()
	out, tries, err := call(ctx, w.b, func(ctx context.Context) (*oss.UploadPartResult, error) {
		return w.b.client.UploadPart(ctx, &oss.UploadPartRequest{
			Bucket: w.put.Bucket, Key: w.put.Key, UploadId: &w.id, PartNumber: number, Body: bytes.NewReader(data),
		})
	})
	if err != nil {
		_ = w.fail(err)
		return
	}
	crc, err := strconv.ParseUint(oss.ToString(out.HashCRC64), 10, 64)
	if err != nil {
		_ = w.fail(fmt.Errorf("oss: part %d was answered without its CRC-64: %w", number, err))
		return
	}
	w.mu.Lock()
	w.parts = append(w.parts, sentPart{oss.UploadPart{PartNumber: number, ETag: out.ETag}, crc, len(data)})
	w.mu.Unlock()
	if tries == 1 { // of a failed attempt the transport may still be reading the buffer
		select {
		case w.spare <- data:
		default:
		}
	}
}

// complete makes an object of the parts.
func (w *writer) complete() error {
	slices.SortFunc(w.parts, func(x, y sentPart) int { return int(x.PartNumber - y.PartNumber) })
	list := make([]oss.UploadPart, len(w.parts))
	for i, p := range w.parts {
		list[i] = p.UploadPart
	}
	out, tries, err := call(w.ctx, w.b, func(ctx context.Context) (*oss.CompleteMultipartUploadResult, error) {
		return w.b.client.CompleteMultipartUpload(ctx, &oss.CompleteMultipartUploadRequest{
			Bucket: w.put.Bucket, Key: w.put.Key, UploadId: &w.id, ForbidOverwrite: w.put.ForbidOverwrite, Acl: w.put.Acl,
			CompleteMultipartUpload: &oss.CompleteMultipartUpload{Parts: list},
		})
	})
	switch {
	case code(err) == "NoSuchUpload" && tries > 1:
		return w.settle(err)
	case err != nil:
		return err
	}
	return w.b.created(w.forbid, out.VersionId)
}

// settle finds out what became of an upload that is over although no attempt to
// complete it was answered. An upload's id is known to its writer alone, so it
// was one of these attempts, and what stands there is ours if it has our bytes.
func (w *writer) settle(gone error) error {
	var crc uint64
	var size int64
	for _, p := range w.parts {
		crc = oss.CRC64Combine(crc, p.crc, uint64(p.size)) //nolint:gosec // sizes are positive
		size += int64(p.size)
	}
	w.id = "" // there is nothing to take back
	h, err := w.b.head(w.ctx, &oss.HeadObjectRequest{Bucket: w.put.Bucket, Key: w.put.Key})
	if err != nil {
		return errors.Join(gone, err)
	}
	if h.ContentLength != size || oss.ToString(h.HashCRC64) != strconv.FormatUint(crc, 10) {
		return fmt.Errorf("oss: the answer was lost, and another object stands there now: %w", gone)
	}
	return w.b.created(w.forbid, h.VersionId)
}

// abort takes the upload back. That it is over is as good.
func (w *writer) abort() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), abortTimeout)
	defer cancel()
	_, _, err := call(ctx, w.b, func(ctx context.Context) (*oss.AbortMultipartUploadResult, error) {
		return w.b.client.AbortMultipartUpload(ctx, &oss.AbortMultipartUploadRequest{Bucket: w.put.Bucket, Key: w.put.Key, UploadId: &w.id})
	})
	if err != nil && code(err) != "NoSuchUpload" {
		return fmt.Errorf("oss: the parts of the upload are still there: %w", err)
	}
	return nil
}
