package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"sync"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	"google.golang.org/api/googleapi"
)

// ObjectRefusedError says that a store refuses to give out one object for a
// reason of its own: it is archived, encrypted with a key of the customer's, or
// access to it alone is denied, while others of the bucket can be read. No
// retry changes that; somebody has to do what Hint says.
type ObjectRefusedError struct {
	Key  string
	Code string // the store's own, such as InvalidObjectState, or http-<status>
	Hint string // what to do
	err  error
}

func (e *ObjectRefusedError) Error() string {
	return fmt.Sprintf("the store refuses %s: %s: %s: %v", e.Key, e.Code, e.Hint, e.err)
}

func (e *ObjectRefusedError) Unwrap() error { return e.err }

// IsObjectRefused tells whether err is an [*ObjectRefusedError].
func IsObjectRefused(err error) bool {
	var refused *ObjectRefusedError
	return errors.As(err, &refused)
}

// What to do about an object, by the store's error code or the answer's status
// (docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html,
// docs.cloud.google.com/storage/docs/encryption/customer-supplied-keys,
// help.aliyun.com/zh/oss/user-guide/restore-objects).
const (
	hintArchived  = "the object is archived: restore it, and replay or backfill it once it can be read"
	hintEncrypted = "the object is encrypted with a key that is not at hand (SSE-C, CSEK, a disabled KMS key), or is otherwise not readable as the others are: copy it without that key, or enable the key"
	hintDenied    = "access to this object alone is denied: grant reading it, and decryption with its key if it has one of its own (bucket policy, object ACL, key policy)"
)

// codeArchived is what S3 and OSS answer to a GET of an archived object.
const codeArchived = "InvalidObjectState"

// judge returns err, from reading or looking at the object at key, as an
// [*ObjectRefusedError] if that is what it is. That the object is archived the
// store says itself. Any other refusal may as well be about the bucket, the
// credentials or the key of every object: it is the object's own only if
// another one can be read at this moment.
func (b *Bucket) judge(ctx context.Context, key string, err error) error {
	if err == nil {
		return nil
	}
	if b.unnameable(key, err) {
		return fmt.Errorf("%w: %w", errNoName, err)
	}
	status, code := refusal(err)
	var hint string
	switch {
	case code == codeArchived:
		hint = hintArchived
	case status == http.StatusBadRequest && b.othersReadable(ctx, key):
		hint = hintEncrypted
	case status == http.StatusForbidden && b.othersReadable(ctx, key):
		hint = hintDenied
	default:
		return err
	}
	var whole *RefusedError // its hint is about the bucket
	if errors.As(err, &whole) {
		err = whole.err
	}
	return &ObjectRefusedError{key, code, hint, err}
}

// refusal returns the status of the store's answer, and its code for it. What
// is not an answer has no status.
func refusal(err error) (status int, code string) {
	var (
		google  *googleapi.Error
		answer  interface{ HTTPStatusCode() int }
		api     smithy.APIError
		alibaba *oss.ServiceError
		whole   *RefusedError
	)
	switch {
	case errors.As(err, &google):
		status = google.Code
	case errors.As(err, &alibaba):
		status = alibaba.StatusCode
	case errors.As(err, &answer): // of S3 and what speaks it
		status = answer.HTTPStatusCode()
	case errors.Is(err, fs.ErrPermission):
		return http.StatusForbidden, "permission"
	}
	code = fmt.Sprintf("http-%d", status)
	if errors.As(err, &whole) {
		code = whole.Code
	} else if errors.As(err, &api) {
		code = api.ErrorCode()
	} else if alibaba != nil {
		code = alibaba.Code
	}
	return status, code
}

// lastRead is the key of an object that was read without trouble.
type lastRead struct {
	mu  sync.Mutex
	key string
}

func (l *lastRead) set(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.key = key
}

func (l *lastRead) get() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.key
}

// tries is how many other objects are asked for when one is refused.
const tries = 4

// othersReadable tells whether an object other than the one at key can be read
// now. To look at its attributes is not enough: that needs no key.
func (b *Bucket) othersReadable(ctx context.Context, key string) bool {
	if last := b.read.get(); last != "" && last != key && b.readable(ctx, last) {
		return true
	}
	page, _, err := b.ListPage(ctx, blob.FirstPageToken, 10*tries, nil)
	if err != nil {
		return false
	}
	tried := 0
	for _, other := range page {
		if other.Key == key || other.Size == 0 || other.IsDir {
			continue
		}
		if b.readable(ctx, other.Key) {
			b.read.set(other.Key)
			return true
		}
		if tried++; tried == tries {
			break
		}
	}
	return false
}

// readable tells whether the object can be read, or could but for being archived:
// that is said only to those who may read it
// (docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html). A lifecycle rule
// leaves the first objects of a list archived, all of them.
func (b *Bucket) readable(ctx context.Context, key string) bool {
	r, err := b.Bucket.NewRangeReader(ctx, key, 0, 1, nil)
	if err != nil {
		_, code := refusal(err)
		return code == codeArchived
	}
	return r.Close() == nil
}
