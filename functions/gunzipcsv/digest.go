package gunzipcsv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// digest passes on what is written to it, and knows how much and what it was.
type digest struct {
	w io.Writer
	h hash.Hash
	n int64
}

func newDigest(w io.Writer) *digest { return &digest{w: w, h: sha256.New()} }

// Write implements [io.Writer].
func (d *digest) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	d.h.Write(p[:n])
	d.n += int64(n)
	return n, err
}

// sum is the SHA-256 of what was written, in hexadecimal.
func (d *digest) sum() string { return hex.EncodeToString(d.h.Sum(nil)) }

// content returns the SHA-256 of the target as attrs tells of it, or errChanged
// if it is another version by now.
func (f *Function) content(ctx context.Context, key string, attrs *blob.Attributes) (string, error) {
	r, err := f.parts.Dest.ReadIf(ctx, key, attrs)
	if bucket.IsNotFound(err) || errors.Is(err, bucket.ErrChanged) {
		return "", errChanged
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	d := newDigest(io.Discard)
	if _, err := io.Copy(d, r); err != nil {
		return "", err
	}
	return d.sum(), nil
}
