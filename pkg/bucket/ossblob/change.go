package ossblob

import (
	"context"
	"errors"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"gocloud.dev/blob/driver"
)

// errNoObject is what Delete says of an object that is not there: the service
// says nothing.
var errNoObject = errors.New("oss: the object is not there")

// Copy implements [driver.Bucket], for objects of up to 5 GB.
func (b *Bucket) Copy(ctx context.Context, dstKey, srcKey string, opts *driver.CopyOptions) error {
	in := &oss.CopyObjectRequest{Bucket: &b.name, Key: &dstKey, SourceBucket: &b.name, SourceKey: &srcKey}
	if opts.BeforeCopy != nil {
		if err := opts.BeforeCopy(asker(in)); err != nil {
			return err
		}
	}
	_, _, err := call(ctx, b, func(ctx context.Context) (*oss.CopyObjectResult, error) {
		return b.client.CopyObject(ctx, in)
	})
	return err
}

// Delete implements [driver.Bucket].
func (b *Bucket) Delete(ctx context.Context, key string, opts *driver.DeleteOptions) error {
	in := &oss.DeleteObjectRequest{Bucket: &b.name, Key: &key}
	if opts.BeforeDelete != nil {
		if err := opts.BeforeDelete(asker(in)); err != nil {
			return err
		}
	}
	_, err := b.head(ctx, &oss.HeadObjectRequest{Bucket: &b.name, Key: &key})
	if code(err) == "NoSuchKey" {
		return errNoObject
	}
	if err != nil {
		return err
	}
	_, _, err = call(ctx, b, func(ctx context.Context) (*oss.DeleteObjectResult, error) {
		return b.client.DeleteObject(ctx, in)
	})
	return err
}
