package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"
)

// ErrExists is returned when an object to create is there already.
var ErrExists = errors.New("object exists")

// Create writes an object at key from r, unless one is there already: then it
// returns [ErrExists] and the other stays untouched. Of several callers at
// once, in any number of processes, exactly one succeeds (gs: generation match
// 0; s3, r2: If-None-Match; oss: x-oss-forbid-overwrite, unless the bucket is
// versioned: see [Bucket.CreateOnly]; file: under a lock of the directory). Until it has
// succeeded nothing is visible at key. It returns the bytes read from r.
func (b *Bucket) Create(ctx context.Context, key string, r io.Reader, opts blob.WriterOptions) (int64, error) {
	opts.IfNotExist = true
	return b.Put(ctx, key, r, opts)
}

// Put writes an object at key from r, replacing what was there, unless opts
// says IfNotExist: then it is [Bucket.Create].
func (b *Bucket) Put(ctx context.Context, key string, r io.Reader, opts blob.WriterOptions) (n int64, err error) {
	err = b.Write(ctx, key, opts, func(w io.Writer) error {
		n, err = io.Copy(w, r)
		return err
	})
	return n, err
}

// Write writes an object at key as fill does to w: Put or Create, as opts
// says, for those who produce rather than hand over a reader. If fill fails,
// its error is returned and nothing becomes visible or stays behind.
func (b *Bucket) Write(ctx context.Context, key string, opts blob.WriterOptions, fill func(w io.Writer) error) error {
	u, err := b.Begin(ctx, key, opts)
	if err != nil {
		return err
	}
	if err := fill(u); err != nil {
		u.Abort()
		return fmt.Errorf("write %s: %w", key, err)
	}
	return u.Commit()
}

func isExists(err error) bool {
	code := gcerrors.Code(err)
	return code == gcerrors.FailedPrecondition || code == gcerrors.AlreadyExists
}

// metaSHA256 is the metadata in which an object carries its SHA-256, in
// hexadecimal digits.
const metaSHA256 = "sha256"

// StoredSum returns the SHA-256 that an object was written with, in hexadecimal
// digits: empty if it does not carry one, as when it was overwritten or copied
// by others. In a directory it always is, since what an object carries lies in a
// file of its own there and outlives a change of the content.
func (b *Bucket) StoredSum(a *blob.Attributes) string {
	if b.dir != nil {
		return ""
	}
	return a.Metadata[metaSHA256]
}

// CreateSum is [Bucket.Create] for bytes whose number and SHA-256, in
// hexadecimal digits, are known. The object carries the hash as metadata: one
// that is there already with the same is this very one, from an attempt whose
// answer was lost, and counts as created. A store's own ETag or MD5 does not
// tell: it is no hash of the content under SSE-KMS or of an upload in parts.
// An object that is gone when it is looked at, because whoever reads the bucket
// has removed it, counts as created too. With other content there, the error is
// [ErrExists].
func (b *Bucket) CreateSum(ctx context.Context, key string, r io.Reader, size int64, sum string, opts blob.WriterOptions) error {
	meta := maps.Clone(opts.Metadata)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[metaSHA256] = sum
	opts.Metadata = meta
	_, err := b.Create(ctx, key, r, opts)
	if !errors.Is(err, ErrExists) {
		return err
	}
	switch same, lookErr := b.has(ctx, key, size, sum); {
	case IsNotFound(lookErr), same:
		return nil
	case lookErr != nil:
		return fmt.Errorf("look whether %s is what was to be created: %w", key, lookErr)
	}
	return err
}

// has tells whether the object at key is of that size and SHA-256. One that
// does not carry its hash is read.
func (b *Bucket) has(ctx context.Context, key string, size int64, sum string) (bool, error) {
	a, err := b.Attributes(ctx, key)
	if err != nil || a.Size != size {
		return false, err
	}
	if there := b.StoredSum(a); there != "" {
		return there == sum, nil
	}
	h := sha256.New()
	if err := b.Download(ctx, key, h, nil); err != nil {
		return false, err
	}
	return hex.EncodeToString(h.Sum(nil)) == sum, nil
}

// CreateJSON is [Bucket.CreateBytes] of v as JSON. v therefore has to differ
// between writers that must not both succeed.
func (b *Bucket) CreateJSON(ctx context.Context, key string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	return b.CreateBytes(ctx, key, data, "application/json")
}

// CreateBytes creates an object holding data. When the object exists with
// exactly that content, the earlier attempt was ours and its answer was lost:
// that counts as success.
func (b *Bucket) CreateBytes(ctx context.Context, key string, data []byte, contentType string) error {
	_, err := b.Create(ctx, key, bytes.NewReader(data), blob.WriterOptions{ContentType: contentType})
	if errors.Is(err, ErrExists) {
		there, readErr := b.ReadAll(ctx, key)
		if readErr != nil {
			return errors.Join(err, readErr)
		}
		if bytes.Equal(there, data) {
			return nil
		}
	}
	return err
}

// PutJSON writes v as JSON, replacing what was there.
func (b *Bucket) PutJSON(ctx context.Context, key string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	_, err = b.Put(ctx, key, bytes.NewReader(data), blob.WriterOptions{ContentType: "application/json"})
	return err
}

// ReadJSON decodes the object at key into v.
func (b *Bucket) ReadJSON(ctx context.Context, key string, v any) error {
	data, err := b.ReadAll(ctx, key)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	return nil
}

// Remove deletes the object at key; that it is gone already is no error.
func (b *Bucket) Remove(ctx context.Context, key string) error {
	if err := b.Admit(ctx, key, true); err != nil {
		return err
	}
	if b.leadsElsewhere(key) {
		return nil
	}
	if err := b.Delete(ctx, key); err != nil && !IsNotFound(err) {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// IsNotFound tells whether err says that an object is not there; on gs and file
// also that the bucket itself is not. On gs the driver counts 403 among these,
// but what one may not see must not be taken for gone.
func IsNotFound(err error) bool {
	var refused *googleapi.Error
	if errors.As(err, &refused) && refused.Code == http.StatusForbidden {
		return false
	}
	return gcerrors.Code(err) == gcerrors.NotFound || errors.Is(err, errNoName)
}
