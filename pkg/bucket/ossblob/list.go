package ossblob

import (
	"context"
	"slices"
	"strings"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"gocloud.dev/blob/driver"
)

const maxPage = 1000 // of ListObjectsV2

// ListPaged implements [driver.Bucket].
func (b *Bucket) ListPaged(ctx context.Context, opts *driver.ListOptions) (*driver.ListPage, error) {
	size := opts.PageSize
	if size == 0 || size > maxPage {
		size = maxPage
	}
	in := &oss.ListObjectsV2Request{Bucket: &b.name, MaxKeys: int32(size)} //nolint:gosec // 1 to 1000
	for field, value := range map[**string]string{&in.Prefix: opts.Prefix, &in.Delimiter: opts.Delimiter, &in.ContinuationToken: string(opts.PageToken)} {
		if value != "" {
			*field = &value
		}
	}
	if opts.BeforeList != nil {
		if err := opts.BeforeList(asker(in)); err != nil {
			return nil, err
		}
	}
	out, _, err := call(ctx, b, func(ctx context.Context) (*oss.ListObjectsV2Result, error) {
		return b.client.ListObjectsV2(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	page := &driver.ListPage{}
	for _, o := range out.Contents {
		page.Objects = append(page.Objects, &driver.ListObject{
			Key: oss.ToString(o.Key), ModTime: oss.ToTime(o.LastModified), Size: o.Size, AsFunc: asker(o),
		})
	}
	for _, p := range out.CommonPrefixes {
		page.Objects = append(page.Objects, &driver.ListObject{Key: oss.ToString(p.Prefix), IsDir: true, AsFunc: asker(p)})
	}
	slices.SortFunc(page.Objects, func(x, y *driver.ListObject) int { return strings.Compare(x.Key, y.Key) })
	if out.IsTruncated {
		page.NextPageToken = []byte(oss.ToString(out.NextContinuationToken))
	}
	return page, nil
}
