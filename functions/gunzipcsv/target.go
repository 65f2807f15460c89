package gunzipcsv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// The metadata of a target: which version of which object it was made from.
const (
	metaBucket = "source-bucket" // absent where the bucket has no name
	metaKey    = "source-key"    // as the store knows it, prefix included
	metaETag   = "source-etag"
	metaSize   = "source-size"
	// metaRun is the run that wrote the target, in whose manifest it is.
	metaRun = "run"
)

// maxMetaKey bounds a key in metadata, as it is escaped: S3 allows 2 KB in all.
const maxMetaKey = 1200

// origin returns the metadata for what is made of the source object at key.
func (f *Function) origin(key string, attrs *blob.Attributes) map[string]string {
	key = f.prefix + key
	if len(url.PathEscape(key)) > maxMetaKey {
		sum := sha256.Sum256([]byte(key))
		key = "sha256:" + hex.EncodeToString(sum[:])
	}
	m := map[string]string{metaKey: key, metaETag: attrs.ETag, metaSize: strconv.FormatInt(attrs.Size, 10)}
	if f.cfg.SourceBucket != "" {
		m[metaBucket] = f.cfg.SourceBucket
	}
	return m
}

// state is how a target stands to a version of its source.
type state int

const (
	absent  state = iota
	current       // made from this version
	stale         // made from another version of the same object
	foreign       // made from another object, or not by us
)

// target looks at what lies at key, and returns its attributes too.
func (f *Function) target(ctx context.Context, key string, origin map[string]string) (state, *blob.Attributes, error) {
	attrs, err := f.parts.Dest.Attributes(ctx, key)
	if bucket.IsNotFound(err) {
		return absent, nil, nil
	}
	if err != nil {
		return absent, nil, fmt.Errorf("look at target %s: %w", key, err)
	}
	return stands(attrs.Metadata, origin), attrs, nil
}

// stands tells how a target with metadata m stands to a version of its source.
func stands(m, origin map[string]string) state {
	switch {
	case m[metaKey] != origin[metaKey] || m[metaBucket] != origin[metaBucket]:
		return foreign
	case bucket.ContentTag(m[metaETag]) != bucket.ContentTag(origin[metaETag]) || m[metaSize] != origin[metaSize]:
		return stale
	}
	return current
}

// collision rejects an object whose target belongs to another.
func collision(target string, owner map[string]string) error {
	if owner[metaKey] == "" {
		return reject(CodeCollision, "target collision: %s is there already and was not made by this function: move it away and replay", target)
	}
	return reject(CodeCollision, "target collision: %s was made from %s: rename one of the two sources", target, owner[metaKey])
}
