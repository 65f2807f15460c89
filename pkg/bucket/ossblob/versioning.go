package ossblob

import (
	"context"
	"errors"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
)

// ErrMayNotAsk is returned where the credentials may not ask about versioning.
var ErrMayNotAsk = errors.New("whether the bucket is versioned may not be asked: the permission oss:GetBucketVersioning is missing")

// lookAgain is after how long a bucket is looked at once more: someone may turn
// versioning on while a process lives.
const lookAgain = 10 * time.Minute

// CreateOnly returns nil if an object can be created at most once in this
// bucket, a [*VersionedError] if not, and [ErrMayNotAsk] if that cannot be
// known. What it found holds for ten minutes.
func (b *Bucket) CreateOnly(ctx context.Context) error {
	b.mu.Lock()
	looked, mayNotAsk := b.looked, b.mayNotAsk
	b.mu.Unlock()
	if !looked.IsZero() && time.Since(looked) < lookAgain {
		if mayNotAsk {
			return ErrMayNotAsk
		}
		return nil
	}
	v, _, err := call(ctx, b, func(ctx context.Context) (*oss.GetBucketVersioningResult, error) {
		return b.client.GetBucketVersioning(ctx, &oss.GetBucketVersioningRequest{Bucket: &b.name})
	})
	mayNotAsk = code(err) == "AccessDenied"
	switch status := ""; {
	case err != nil && !mayNotAsk:
		return err
	case err == nil:
		if status = oss.ToString(v.VersionStatus); status != "" {
			return &VersionedError{b.name, status}
		}
	}
	b.mu.Lock()
	b.looked, b.mayNotAsk = time.Now(), mayNotAsk
	b.mu.Unlock()
	if mayNotAsk {
		return ErrMayNotAsk
	}
	return nil
}

// guard looks before a create-only write whether it can be one. Where that may
// not be asked the answer to the write tells: see created.
func (b *Bucket) guard(ctx context.Context) error {
	if err := b.CreateOnly(ctx); !errors.Is(err, ErrMayNotAsk) {
		return err
	}
	return nil
}

// created looks at the answer to a create-only write: the service gives a
// version to each object of a bucket that is or was versioned
// (help/developer-reference/putobject, versioning).
func (b *Bucket) created(forbid bool, version *string) error {
	if forbid && oss.ToString(version) != "" {
		return &VersionedError{Bucket: b.name}
	}
	return nil
}
