package bucket

import (
	"context"

	"github.com/siemfeed/siemfeed/pkg/bucket/ossblob"
)

// VersionedError says that a bucket on oss keeps versions of its objects, or
// did once: there the store overwrites what must be created only once.
type VersionedError = ossblob.VersionedError

// ErrMayNotAsk says that the credentials do not allow to ask whether a bucket
// has versioning.
var ErrMayNotAsk = ossblob.ErrMayNotAsk

// CreateOnly asks the store whether [Bucket.Create] holds in this bucket. It
// returns nil if so, at once where it does in every bucket of the kind; a
// [*VersionedError] if not; and [ErrMayNotAsk] if that cannot be known. Then,
// and for who does not ask, the bucket is found out by the first create-only
// write, which fails with a [*VersionedError].
func (b *Bucket) CreateOnly(ctx context.Context) error {
	if b.createOnly == nil {
		return nil
	}
	return b.createOnly(ctx)
}
