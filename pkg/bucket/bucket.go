// Package bucket opens the buckets siemfeed reads and writes, by URL, and adds
// to gocloud.dev/blob the two promises the functions stand on: an object that
// is created exactly once whoever else tries, on every kind of bucket, and
// state that never lies where a SIEM would pick it up.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/gcsblob"  // gs://
	_ "gocloud.dev/blob/memblob"  // mem://
)

// Bucket is a blob.Bucket that knows where it is and how to create an object
// at most once.
type Bucket struct {
	*blob.Bucket
	// URL is the address it was opened with.
	URL string
	// kind is the URL's scheme.
	kind string
	// lockDir is the directory whose lock makes creation atomic on file://.
	lockDir string
	// bare is the same directory without the file of attributes that fileblob
	// puts beside each object, see [Upload]; nil elsewhere.
	bare *blob.Bucket
}

// Option adds to [Open] what a URL must not or need not say.
type Option func(*options)

type options struct{ r2 R2 }

// WithR2 opens r2:// URLs with these credentials.
func WithR2(r R2) Option { return func(o *options) { o.r2 = r } }

// Open opens a bucket from a URL such as gs://bucket?prefix=folder/,
// s3://bucket?region=…&endpoint=…, r2://bucket?account_id=…,
// file:///dir?create_dir=true or mem://. A bare name means gs://name. Nothing
// is asked of the bucket yet, so a bucket that does not exist shows at the
// first use, on s3 and r2 as a [*RefusedError].
//
// An upload that is cut off leaves no part behind where it can still be
// aborted; for a process that is killed in the middle the bucket should have a
// lifecycle rule for incomplete multipart uploads (R2 has one of 7 days).
func Open(ctx context.Context, raw string, opts ...Option) (*Bucket, error) {
	var o options
	for _, set := range opts {
		set(&o)
	}
	u, err := parse(raw)
	if err != nil {
		return nil, err
	}
	b := &Bucket{URL: render(u), kind: u.Scheme}
	switch u.Scheme {
	case "s3":
		b.Bucket, err = openS3(ctx, u)
	case "r2":
		b.Bucket, err = openR2(ctx, u, o.r2)
	case "file":
		if b.lockDir, err = prepareFile(u); err != nil {
			break
		}
		b.URL = u.String()
		if b.bare, err = openBare(ctx, *u); err != nil {
			break
		}
		b.Bucket, err = blob.OpenBucket(ctx, b.URL)
	default:
		b.Bucket, err = blob.OpenBucket(ctx, b.URL)
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s://%s%s: %w", u.Scheme, u.Host, u.Path, err)
	}
	if prefix := u.Query().Get("prefix"); prefix != "" && (u.Scheme == "s3" || u.Scheme == "r2") {
		b.Bucket = blob.PrefixedBucket(b.Bucket, prefix)
	}
	var gs *storage.Client
	if b.As(&gs) {
		// All that is done here leads to the same end when done twice: objects are
		// written whole or not at all, and deleting is deleting. The client by
		// default repeats neither a plain write nor a delete, and reads for ever.
		gs.SetRetry(storage.WithPolicy(storage.RetryAlways), storage.WithMaxAttempts(10))
	}
	return b, nil
}

func openBare(ctx context.Context, u url.URL) (*blob.Bucket, error) {
	q := u.Query()
	q.Set("metadata", "skip")
	u.RawQuery = q.Encode()
	return blob.OpenBucket(ctx, u.String())
}

// Close releases what the bucket holds.
func (b *Bucket) Close() error {
	if b.bare != nil {
		return errors.Join(b.bare.Close(), b.Bucket.Close())
	}
	return b.Bucket.Close()
}

// Check tells what is wrong with a bucket URL, without opening it.
func Check(raw string) error {
	_, err := parse(raw)
	return err
}

// render writes a URL so that parse reads it again: of mem://, net/url would
// leave "mem:", which then counts as a bucket's bare name.
func render(u *url.URL) string {
	if u.Scheme == "mem" && u.RawQuery != "" {
		return "mem://?" + u.RawQuery
	} else if u.Scheme == "mem" {
		return "mem://"
	}
	return u.String()
}

func parse(raw string) (*url.URL, error) {
	if raw != "" && !strings.Contains(raw, "://") {
		raw = "gs://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		var where *url.Error // its text has all of raw
		if errors.As(err, &where) {
			err = where.Err
		}
		return nil, fmt.Errorf("not a bucket URL: %w", err)
	}
	if u.User != nil {
		return nil, errors.New("credentials do not belong into a bucket URL")
	}
	switch u.Scheme {
	case "gs", "s3", "r2":
		if u.Host == "" {
			return nil, fmt.Errorf("%q names no bucket: want %s://name", raw, u.Scheme)
		}
		if folder := strings.Trim(u.Path, "/"); folder != "" {
			return nil, fmt.Errorf("%s://%s/%s: a folder is given as %s://%s?prefix=%s/", u.Scheme, u.Host, folder, u.Scheme, u.Host, folder)
		}
	case "file":
		if u.Path == "" {
			return nil, fmt.Errorf("%q names no directory: want file:///dir", raw)
		}
	case "mem":
	default:
		return nil, fmt.Errorf("%q: want gs://, s3://, r2://, file:// or mem://", u.Scheme+"://"+u.Host)
	}
	switch u.Scheme {
	case "s3":
		err = checkS3(u, s3Params)
	case "r2":
		err = checkR2(u)
	}
	return u, err
}

// prepareFile makes a file bucket behave: it is created on request before its
// lock is taken, and where the directory for temporary files is on another
// file system, they are put beside their target, since a rename cannot cross.
func prepareFile(u *url.URL) (dir string, err error) {
	dir = u.Path
	if u.Host == "." {
		dir = strings.TrimPrefix(dir, "/")
	}
	dir = filepath.FromSlash(dir)
	q := u.Query()
	if q.Get("create_dir") != "" {
		if err := os.MkdirAll(dir, 0o777); err != nil { //nolint:gosec // as fileblob does; the umask decides
			return "", err
		}
	}
	var target, temp syscall.Stat_t
	if err := syscall.Stat(dir, &target); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("%s does not exist: make it, or add ?create_dir=true", dir)
		}
		return "", err
	}
	if err := syscall.Stat(os.TempDir(), &temp); err != nil || temp.Dev != target.Dev {
		q.Set("no_tmp_dir", "true")
		u.RawQuery = q.Encode()
	}
	return dir, nil
}
