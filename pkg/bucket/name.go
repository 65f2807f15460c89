package bucket

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"syscall"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// NameError says that the store can have no object of a key: it is too long for
// it, and then the error comes marked permanent, or, in a directory, a folder of
// that path is a file or the file a folder, which may be moved out of the way.
// Whoever chose the key may have to choose another.
type NameError struct {
	Key string
	err error
}

func (e *NameError) Error() string {
	return fmt.Sprintf("no object can be called %s: %v", e.Key, e.err)
}

func (e *NameError) Unwrap() error { return e.err }

// errNoName is that of looking for an object whose key none can have.
var errNoName = errors.New("no object can be called that")

// leadsElsewhere tells whether a key is that of no file, and its path that of
// another object or of a folder, which must not be read or removed in its place.
func (b *Bucket) leadsElsewhere(key string) bool { return b.dir != nil && !b.dir.holds(key) }

// misnamed returns err, from writing the object at key, as a [*NameError] if that is
// what it is.
func (b *Bucket) misnamed(key string, err error) error {
	switch {
	case err == nil || !b.unnameable(key, err):
		return err
	case inTheWay(err):
		return &NameError{key, err}
	}
	return retry.Permanent(&NameError{key, err})
}

// inTheWay tells whether a file is where a folder would have to be, or the reverse.
func inTheWay(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR)
}

// longestKey is the longest key of S3, R2 and Cloud Storage, in bytes; in OSS it
// is a byte less (docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html,
// developers.cloudflare.com/r2/platform/limits, docs.cloud.google.com/storage/docs/objects,
// help.aliyun.com/zh/oss/user-guide/object-naming-conventions).
const longestKey = 1024

// unnameable tells whether the store refused a request for the key itself.
func (b *Bucket) unnameable(key string, err error) bool {
	if b.dir != nil {
		return b.dir.unnameable(key, err)
	}
	switch status, code := refusal(err); {
	case code == "KeyTooLongError", code == "InvalidObjectName":
		return true
	default: // the answer to HEAD has no code, nor has Cloud Storage one for it
		return status == http.StatusBadRequest && len(b.prefix+key) >= longestKey
	}
}

// unnameable is that of a directory. That a folder is a file is about the key only
// as long as the directory itself is one.
func (d *directory) unnameable(key string, err error) bool {
	switch {
	case !d.holds(key), errors.Is(err, syscall.ENAMETOOLONG):
		return true
	case inTheWay(err):
		info, err := os.Stat(d.path)
		return err == nil && info.IsDir()
	}
	return false
}
