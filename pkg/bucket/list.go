package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
)

// Objects lists the objects whose keys start with prefix, in byte order of
// their keys.
//
// On file:// the list is made in one piece. fileblob walks directories by name,
// and so meets "a/b" before "a-b", which is less: wherever it turned a page in
// between, it left "a-b" out. Files it had not finished are passed by.
func (b *Bucket) Objects(ctx context.Context, prefix string) iter.Seq2[*blob.ListObject, error] {
	return b.ObjectsAfter(ctx, prefix, "")
}

// ObjectsAfter is [Bucket.Objects] of those whose keys are greater than after.
// On s3, r2, gs and oss the list begins there, and what is before costs nothing.
func (b *Bucket) ObjectsAfter(ctx context.Context, prefix, after string) iter.Seq2[*blob.ListObject, error] {
	return func(yield func(*blob.ListObject, error) bool) {
		if err := b.Admit(ctx, prefix, false); err != nil {
			yield(nil, err)
			return
		}
		for obj, err := range b.list(ctx, prefix, after) {
			if err != nil {
				yield(nil, fmt.Errorf("list %s%s: %w", b.URL, prefix, err))
				return
			}
			if after != "" && obj.Key <= after {
				continue
			}
			if !yield(obj, nil) {
				return
			}
		}
	}
}

// list lists what has the prefix, and may leave out what is not greater than
// after.
func (b *Bucket) list(ctx context.Context, prefix, after string) iter.Seq2[*blob.ListObject, error] {
	opts := &blob.ListOptions{Prefix: prefix}
	return func(yield func(*blob.ListObject, error) bool) {
		if b.dir != nil {
			page, err := b.wholeList(ctx, opts)
			if err != nil {
				yield(nil, err)
				return
			}
			slices.SortFunc(page, func(x, y *blob.ListObject) int { return strings.Compare(x.Key, y.Key) })
			for _, obj := range page {
				if !b.dir.unfinished(obj.Key) && !yield(obj, nil) {
					return
				}
			}
			return
		}
		if after != "" {
			opts.BeforeList = beginAfter(prefix, after)
		}
		it := b.List(opts)
		for {
			obj, err := it.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(obj, err) || err != nil {
				return
			}
		}
	}
}

// beginAfter has a store begin a list of what has the prefix behind after. The
// store's own keys have the bucket's prefix before both.
func beginAfter(prefix, after string) func(as func(any) bool) error {
	whole := func(own string) *string {
		key := strings.TrimSuffix(own, prefix) + after
		return &key
	}
	return func(as func(any) bool) error {
		var s3Request *s3.ListObjectsV2Input
		if as(&s3Request) {
			s3Request.StartAfter = whole(aws.ToString(s3Request.Prefix))
		}
		var ossRequest *oss.ListObjectsV2Request
		if as(&ossRequest) {
			ossRequest.StartAfter = whole(oss.ToString(ossRequest.Prefix))
		}
		var gsQuery *storage.Query
		if as(&gsQuery) {
			gsQuery.StartOffset = *whole(gsQuery.Prefix) // itself included
		}
		return nil
	}
}

// wholeList lists in one page, whose size it has to guess: room for it is made
// in advance.
func (b *Bucket) wholeList(ctx context.Context, opts *blob.ListOptions) ([]*blob.ListObject, error) {
	for size := 1000; ; size *= 10 {
		page, next, err := b.ListPage(ctx, blob.FirstPageToken, size, opts)
		if err != nil || next == nil {
			return page, err
		}
	}
}

// Keys lists the keys that start with prefix, in byte order.
func (b *Bucket) Keys(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	for obj, err := range b.Objects(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, obj.Key)
	}
	return keys, nil
}
