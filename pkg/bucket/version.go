package bucket

import (
	"context"
	"fmt"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// ReadVersion opens the version of the object at key that attrs describe, as
// the bytes that are stored: an object with Content-Encoding gzip is not
// decompressed on the way. Where the store can hold to a version (gs, s3), the
// reader gives that one or fails, see [IsReplaced] and [IsNotFound]. Elsewhere
// the caller has to look again after reading, see [Bucket.Pins].
func (b *Bucket) ReadVersion(ctx context.Context, key string, attrs *blob.Attributes) (*blob.Reader, error) {
	r, err := b.NewReader(ctx, key, &blob.ReaderOptions{BeforeRead: func(as func(any) bool) error {
		var gs **storage.ObjectHandle
		if as(&gs) {
			*gs = (*gs).ReadCompressed(true)
			var object storage.ObjectAttrs
			if attrs.As(&object) {
				*gs = (*gs).Generation(object.Generation)
			}
		}
		var get *s3.GetObjectInput
		if as(&get) {
			get.IfMatch = &attrs.ETag
		}
		var options *[]func(*s3.Options)
		if attrs.ContentEncoding != "" && as(&options) {
			*options = append(*options, s3.WithAPIOptions(acceptGzip))
		}
		return nil
	}})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return r, nil
}

// acceptGzip asks for gzip as it is stored: R2 decompresses an object with
// Content-Encoding gzip for a client that does not say it takes that, and the
// SDK says the opposite.
func acceptGzip(stack *middleware.Stack) error {
	const name = "siemfeed:AcceptGzip"
	set := middleware.FinalizeMiddlewareFunc(name, func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); ok {
			req.Header.Set("Accept-Encoding", "gzip")
		}
		return next.HandleFinalize(ctx, in)
	})
	if _, ok := stack.Finalize.Get("Signing"); ok {
		return stack.Finalize.Insert(set, "Signing", middleware.Before)
	}
	return stack.Finalize.Add(set, middleware.After)
}

// Pins tells whether [Bucket.ReadVersion] holds to one version while it reads.
func (b *Bucket) Pins() bool {
	var gs *storage.Client
	var s *s3.Client
	return b.As(&gs) || b.As(&s)
}

// IsReplaced tells whether err says that the version asked for is no longer
// the object's.
func IsReplaced(err error) bool { return gcerrors.Code(err) == gcerrors.FailedPrecondition }
