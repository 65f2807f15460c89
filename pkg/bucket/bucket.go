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
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/gcsblob"  // gs://
	_ "gocloud.dev/blob/memblob"  // mem://
	_ "gocloud.dev/blob/s3blob"   // s3://
)

// Bucket is a blob.Bucket that knows where it is and how to create an object
// at most once.
type Bucket struct {
	*blob.Bucket
	// URL is the address it was opened with.
	URL string
	// lockDir is the directory whose lock makes creation atomic on file://.
	lockDir string
}

// Open opens a bucket from a URL such as gs://bucket?prefix=folder/,
// s3://bucket?region=…&endpoint=…, file:///dir?create_dir=true or mem://. A
// bare name means gs://name. Nothing is asked of the bucket yet, so a bucket
// that does not exist shows at the first use.
func Open(ctx context.Context, raw string) (*Bucket, error) {
	u, err := parse(raw)
	if err != nil {
		return nil, err
	}
	b := &Bucket{URL: u.String()}
	if u.Scheme == "file" {
		if b.lockDir, err = prepareFile(u); err != nil {
			return nil, fmt.Errorf("bucket %s: %w", raw, err)
		}
	}
	if b.Bucket, err = blob.OpenBucket(ctx, u.String()); err != nil {
		return nil, fmt.Errorf("bucket %s: %w", raw, err)
	}
	return b, nil
}

// Check tells what is wrong with a bucket URL, without opening it.
func Check(raw string) error {
	_, err := parse(raw)
	return err
}

func parse(raw string) (*url.URL, error) {
	if raw != "" && !strings.Contains(raw, "://") {
		raw = "gs://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("not a bucket URL: %w", err)
	}
	switch u.Scheme {
	case "gs", "s3":
		if u.Host == "" {
			return nil, fmt.Errorf("%q names no bucket: want %s://name", raw, u.Scheme)
		}
		if folder := strings.Trim(u.Path, "/"); folder != "" {
			return nil, fmt.Errorf("%q: a folder is given as %s://%s?prefix=%s/", raw, u.Scheme, u.Host, folder)
		}
	case "file":
		if u.Path == "" {
			return nil, fmt.Errorf("%q names no directory: want file:///dir", raw)
		}
	case "mem":
	default:
		return nil, fmt.Errorf("%q: want gs://, s3://, file:// or mem://", raw)
	}
	return u, nil
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

// Inside tells whether what is written to the bucket URL inner lands in outer
// or below it: same bucket, and inner's prefix starts with outer's. Two mem://
// buckets are never the same.
func Inside(inner, outer string) (bool, error) {
	in, err := locate(inner)
	if err != nil {
		return false, err
	}
	out, err := locate(outer)
	if err != nil {
		return false, err
	}
	return in.bucket != "" && in.bucket == out.bucket && strings.HasPrefix(in.prefix, out.prefix), nil
}

type location struct{ bucket, prefix string }

func locate(raw string) (location, error) {
	u, err := parse(raw)
	if err != nil {
		return location{}, err
	}
	prefix := u.Query().Get("prefix")
	switch u.Scheme {
	case "mem":
		return location{}, nil
	case "file":
		dir := u.Path
		if u.Host == "." {
			dir = strings.TrimPrefix(dir, "/")
		}
		abs, err := filepath.Abs(filepath.FromSlash(dir))
		if err != nil {
			return location{}, err
		}
		// Sub-directories are folders of the same file system, so the whole
		// path takes the part of a prefix. A link must not hide where it leads.
		abs = resolve(abs)
		return location{"file", strings.TrimSuffix(filepath.ToSlash(abs), "/") + "/" + prefix}, nil
	}
	return location{u.Scheme + "://" + u.Host + u.Query().Get("endpoint"), prefix}, nil
}

// resolve follows the links of as much of dir as exists.
func resolve(dir string) string {
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		return target
	}
	parent := filepath.Dir(dir)
	if parent == dir {
		return dir
	}
	return filepath.Join(resolve(parent), filepath.Base(dir))
}

// Sub returns the URL of a folder below a bucket URL: what is set as its
// prefix, or for file:// its directory, with folder appended.
func Sub(raw, folder string) (string, error) {
	u, err := parse(raw)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("prefix", path.Join(q.Get("prefix"), folder)+"/")
	u.RawQuery = q.Encode()
	return u.String(), nil
}
