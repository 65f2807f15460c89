package ossblob

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"gocloud.dev/gcerrors"

	"github.com/siemfeed/siemfeed/pkg/cause"
)

var errUnsupported = errors.New("oss: signed URLs are not supported")

// VersionedError says that a bucket keeps versions of its objects, or did once:
// there OSS ignores x-oss-forbid-overwrite, and of several creators of an object
// all succeed.
type VersionedError struct {
	Bucket string
	Status string // Enabled or Suspended; empty where only a write showed it
}

func (e *VersionedError) Error() string {
	status := "in use"
	if e.Status != "" {
		status = e.Status
	}
	return fmt.Sprintf("bucket %s: versioning is %s: OSS then overwrites objects that must be created only once, and versioning can be suspended but not taken back: use a bucket that never had it", e.Bucket, status)
}

// Cause implements [cause.Known].
func (e *VersionedError) Cause() cause.Code { return cause.BucketUnsuitable }

// refusal is an error of the service, said in one line.
type refusal struct{ *oss.ServiceError }

func (e *refusal) Error() string {
	if e.Code == "BadErrorResponse" { // the SDK's word for an answer of something else than OSS
		return fmt.Sprintf("oss: HTTP %d without an error of OSS in it", e.StatusCode)
	}
	return fmt.Sprintf("oss: HTTP %d %s: %s (request %s)", e.StatusCode, e.Code, e.Message, e.RequestID)
}

// Cause implements [cause.Known].
func (e *refusal) Cause() cause.Code {
	if e.Code == "BadErrorResponse" && e.StatusCode == http.StatusForbidden {
		return cause.ProxyRefused
	}
	return cause.OfStatus(e.StatusCode)
}

// Unwrap leads to the SDK's error.
func (e *refusal) Unwrap() error { return e.ServiceError }

// understand replaces what the SDK says over seven lines.
func (b *Bucket) understand(err error) error {
	var answer *oss.ServiceError
	if !errors.As(err, &answer) {
		return err
	}
	return b.explain(answer.Code, &refusal{answer})
}

// code returns the service's code in err, empty if it has none.
func code(err error) string {
	var answer *oss.ServiceError
	if errors.As(err, &answer) {
		return answer.Code
	}
	return ""
}

// ErrorCode implements [driver.Bucket]. A bucket that is missing is not an
// object that is missing.
func (b *Bucket) ErrorCode(err error) gcerrors.ErrorCode {
	var versioned *VersionedError
	switch {
	case errors.Is(err, errUnsupported), errors.As(err, &versioned):
		return gcerrors.Unimplemented
	case errors.Is(err, errNoObject):
		return gcerrors.NotFound
	}
	switch code(err) {
	case "NoSuchKey", "SymlinkTargetNotExist":
		return gcerrors.NotFound
	case "FileAlreadyExists", "PreconditionFailed":
		return gcerrors.FailedPrecondition
	case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurityToken", "SecurityTokenExpired", "InvalidObjectState":
		return gcerrors.PermissionDenied
	case "InvalidArgument", "InvalidObjectName", "InvalidDigest", "InvalidRange", "EntityTooLarge":
		return gcerrors.InvalidArgument
	case "NotImplemented":
		return gcerrors.Unimplemented
	case "InternalError":
		return gcerrors.Internal
	case "TooManyRequests", "QpsLimitExceeded", "DownloadTrafficRateLimitExceeded", "UploadTrafficRateLimitExceeded":
		return gcerrors.ResourceExhausted
	}
	return gcerrors.Unknown
}

// ErrorAs implements [driver.Bucket].
func (b *Bucket) ErrorAs(err error, i any) bool {
	var answer *oss.ServiceError
	return errors.As(err, &answer) && as(i, answer)
}
