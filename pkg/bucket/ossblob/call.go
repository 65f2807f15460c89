package ossblob

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// call makes a request until it is answered for good. The SDK's own retries are
// off: they end with the headers, where an answer can still break off, and know
// no Retry-After. tries counts the attempts, which is how an answer that was
// lost is told from one that never was.
func call[T any](ctx context.Context, b *Bucket, do func(context.Context) (T, error)) (out T, tries int, err error) {
	var last error
	err = b.retry.Do(ctx, func(ctx context.Context) error {
		tries++
		out, last = do(ctx)
		if last == nil {
			return nil
		}
		last = b.understand(last)
		if !transient(last) {
			return retry.Permanent(last)
		}
		var answer *oss.ServiceError
		if errors.As(last, &answer) {
			if wait, ok := retry.RetryAfter(answer.Headers, time.Now()); ok {
				return retry.After(last, wait)
			}
		}
		return last
	})
	if retry.IsPermanent(err) {
		// That it is not worth another attempt does not make it the object's
		// fault, which is what permanent says outside.
		err = last
	}
	return out, tries, err
}

// transient tells whether another attempt may go better.
func transient(err error) bool {
	var answer *oss.ServiceError
	var keys *credentialsError
	var param oss.InvalidParamError
	switch {
	case errors.As(err, &keys), errors.As(err, &param):
		return false
	case !errors.As(err, &answer):
		return true // the connection, or an answer that broke off
	}
	switch answer.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented:
		return false
	}
	return answer.StatusCode >= 500 || answer.Code == "RequestTimeout" || answer.Code == "BadRequest"
}

// credentialsError tells a signature that could not be made from a request that
// failed: whoever brings the credentials has tried again already.
type credentialsError struct{ error }

// Cause implements [cause.Known].
func (e *credentialsError) Cause() cause.Code { return cause.NoCredentials }

func (e *credentialsError) Unwrap() error { return e.error }

// final marks the errors of a provider.
type final struct {
	credentials.CredentialsProvider
}

// GetCredentials implements [credentials.CredentialsProvider].
func (f final) GetCredentials(ctx context.Context) (credentials.Credentials, error) {
	c, err := f.CredentialsProvider.GetCredentials(ctx)
	if err != nil {
		return c, &credentialsError{err}
	}
	return c, nil
}
