package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// RefusedError says that a store refuses what no retry and no other object
// would change: the bucket is not there, or the credentials do not open it.
// It is neither [IsNotFound] nor permanent: the objects are fine, what is
// wrong is the configuration.
type RefusedError struct {
	Bucket string
	Code   string // the store's own, such as AccessDenied
	Hint   string // what to fix
	err    error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("bucket %s: %s: %s: %v", e.Bucket, e.Code, e.Hint, e.err)
}

func (e *RefusedError) Unwrap() error { return e.err }

// Cause implements [cause.Known].
func (e *RefusedError) Cause() cause.Code {
	switch h := (hints{"bucket", "denied", "keys", "region"}); h.of(e.Code) {
	case h.bucket:
		return cause.BucketMissing
	case h.denied:
		return cause.PermissionDenied
	case h.keys:
		return cause.CredentialsRefused
	case h.region:
		return cause.BucketElsewhere
	}
	return cause.ClockOff
}

// ErrorCode makes it, with ErrorMessage and ErrorFault, a [smithy.APIError]. It is the
// first that gocloud finds, so that the code below it, such as NoSuchBucket,
// does not count as an object that is not there.
func (e *RefusedError) ErrorCode() string { return "Refused" + e.Code }

// ErrorMessage implements [smithy.APIError].
func (e *RefusedError) ErrorMessage() string { return e.Hint }

// ErrorFault implements [smithy.APIError].
func (e *RefusedError) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// hints says what to fix, by the store's error code
// (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
// developers.cloudflare.com/r2/api/error-codes,
// alibabacloud.com/help/en/oss/developer-reference/error-responses).
type hints struct{ bucket, denied, keys, region string }

var (
	s3Hints = hints{
		bucket: "the bucket does not exist: check its name in the URL, and region or endpoint",
		denied: "the credentials may not do this: grant s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on the objects and s3:ListBucket on the bucket, as far as the function needs them",
		keys:   "the credentials are not valid: check the role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
		region: "the bucket is in another region: set region= in the URL",
	}
	r2Hints = hints{
		bucket: "the bucket does not exist in this account: check its name, account_id (R2_ACCOUNT_ID) and jurisdiction",
		denied: "the token may not do this: give the R2 API token Object Read & Write on this bucket (Object Read only where it is just read)",
		keys:   "the credentials are not valid: check R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY, and that they belong to this account",
		region: "the bucket is not served here: check account_id, jurisdiction and R2_ENDPOINT",
	}
	ossHints = hints{
		bucket: "the bucket does not exist: check its name in the URL",
		denied: "the credentials may not do this, or region= in the URL is not the bucket's: grant oss:GetObject, oss:PutObject, oss:DeleteObject and oss:AbortMultipartUpload on the objects and oss:ListObjects and oss:GetBucketVersioning on the bucket, as far as the function needs them",
		keys:   "the credentials are not valid: check SLS_AK_ID, SLS_AK_KEY and SLS_SECURITY_TOKEN, or the role",
	}
)

func (h hints) of(code string) string {
	switch code {
	case "NoSuchBucket":
		return h.bucket
	case "AccessDenied", "Forbidden", "AllAccessDisabled", "AccountProblem":
		return h.denied
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "Unauthorized", "InvalidClientTokenId",
		"InvalidSecurityToken", "SecurityTokenExpired":
		return h.keys
	case "PermanentRedirect", "MovedPermanently", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return h.region
	case "RequestTimeTooSkewed":
		return "the clock of this machine is off: set it"
	}
	return ""
}

// refusals makes a [RefusedError] of each refusal a hint is known for.
type refusals struct {
	hints
	name   string
	client *s3.Client
	exists atomic.Bool // the bucket was seen
}

func (r *refusals) middleware(stack *middleware.Stack) error {
	if _, ok := stack.Finalize.Get("Retry"); ok {
		if err := stack.Finalize.Insert(noteTry, "Retry", middleware.After); err != nil {
			return err
		}
	}
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("RefusalHints",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			last := new(lastTry)
			out, meta, err := next.HandleInitialize(context.WithValue(ctx, tryKey{}, last), in)
			err = last.of(ctx, err)
			if attempts, ok := awsretry.GetAttemptResults(meta); ok {
				for range len(attempts.Results) - 1 {
					retry.Again(ctx)
				}
			}
			var api smithy.APIError
			if err == nil || !errors.As(err, &api) {
				return out, meta, err
			}
			if _, ok := in.Parameters.(*s3.HeadObjectInput); ok && api.ErrorCode() == "NotFound" {
				return out, meta, r.missing(ctx, err)
			}
			return out, meta, r.refused(api.ErrorCode(), err)
		}), middleware.Before)
}

// lastTry is what the last try of a request failed with. Of a request that was
// cut off while it waited for another, the SDK tells no more than that.
type lastTry struct{ err error }

type tryKey struct{}

// noteTry sees each try by itself.
var noteTry = middleware.FinalizeMiddlewareFunc("NoteTry",
	func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		out, meta, err := next.HandleFinalize(ctx, in)
		if last, ok := ctx.Value(tryKey{}).(*lastTry); ok && err != nil && ctx.Err() == nil {
			last.err = err
		}
		return out, meta, err
	})

// of adds to err, of a request whose ctx has ended, what was wrong before.
func (l *lastTry) of(ctx context.Context, err error) error {
	if err == nil || l.err == nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w; the last try said: %w", err, l.err)
}

func (r *refusals) refused(code string, err error) error {
	if hint := r.of(code); hint != "" {
		return &RefusedError{r.name, code, hint, err}
	}
	return err
}

// missing finds out what a 404 to a HEAD is about, since it has no body to tell
// a missing object from a missing bucket.
func (r *refusals) missing(ctx context.Context, notFound error) error {
	if r.exists.Load() {
		return notFound
	}
	_, err := r.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &r.name})
	var answer *smithyhttp.ResponseError
	switch {
	case err == nil:
		r.exists.Store(true)
		return notFound
	case !errors.As(err, &answer):
		return err
	case answer.HTTPStatusCode() == http.StatusNotFound:
		return r.refused("NoSuchBucket", notFound)
	case answer.HTTPStatusCode() == http.StatusForbidden:
		return notFound // it may not be asked for, but it is there
	}
	return err
}
