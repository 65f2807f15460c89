package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"gocloud.dev/blob"
)

// Objects lists the objects whose keys start with prefix, in byte order of
// their keys.
//
// On file:// the list is made in one piece. fileblob walks directories by name,
// and so meets "a/b" before "a-b", which is less: wherever it turned a page in
// between, it left "a-b" out. Files it had not finished are passed by.
func (b *Bucket) Objects(ctx context.Context, prefix string) iter.Seq2[*blob.ListObject, error] {
	return func(yield func(*blob.ListObject, error) bool) {
		if err := b.Admit(ctx, prefix, false); err != nil {
			yield(nil, err)
			return
		}
		opts := &blob.ListOptions{Prefix: prefix}
		if b.dir != nil {
			page, err := b.wholeList(ctx, opts)
			if err != nil {
				yield(nil, fmt.Errorf("list %s%s: %w", b.URL, prefix, err))
				return
			}
			slices.SortFunc(page, func(x, y *blob.ListObject) int { return strings.Compare(x.Key, y.Key) })
			for _, obj := range page {
				if b.dir.unfinished(obj.Key) {
					continue
				}
				if !yield(obj, nil) {
					return
				}
			}
			return
		}
		it := b.List(opts)
		for {
			obj, err := it.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("list %s%s: %w", b.URL, prefix, err))
				return
			}
			if !yield(obj, nil) {
				return
			}
		}
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
