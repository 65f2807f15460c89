package alitags

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
)

// APIError is a refusal by one of the APIs.
type APIError struct {
	Action    string // such as AssumeRole
	Host      string
	HTTP      int    // status
	Code      string // empty where the body was not the service's own
	Message   string
	RequestID string // what Alibaba's support asks for

	session bool          // the key was that of a session
	wait    time.Duration // for which the service asks to be left alone
}

func (e *APIError) Error() string {
	s := fmt.Sprintf("%s at %s: %d %s: %s", e.Action, e.Host, e.HTTP, e.Code, e.Message)
	if e.Code == "" {
		s = fmt.Sprintf("%s at %s: HTTP %d", e.Action, e.Host, e.HTTP)
	}
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// Cause implements [cause.Known].
func (e *APIError) Cause() cause.Code {
	switch judge(e) {
	case throttled:
		return cause.Throttled
	case ownFault, expired:
		if slices.ContainsFunc(clockCodes, func(code string) bool { return strings.HasPrefix(e.Code, code) }) {
			return cause.ClockOff
		}
		return cause.CredentialsRefused
	case denied:
		return cause.PermissionDenied
	case missing:
		return cause.NotFound
	}
	if e.Code == "" && e.HTTP == http.StatusForbidden {
		return cause.ProxyRefused
	}
	return cause.OfStatus(e.HTTP)
}

// FaultError says that lookups cannot be made at all, for a reason that is not
// of the accounts that were asked about: the key of the management account is
// wrong, the clock is, or STS is out of reach. What was looked up has no answer.
// It wraps a permanent error where only a person can help.
type FaultError struct{ err error }

func (e *FaultError) Error() string { return "tag lookups are not possible: " + e.err.Error() }

// Unwrap returns what went wrong.
func (e *FaultError) Unwrap() error { return e.err }

// IsFault tells whether err is a [FaultError].
func IsFault(err error) bool {
	var f *FaultError
	return errors.As(err, &f)
}

// asked is how long err asks to wait.
func asked(err error) time.Duration {
	var e *APIError
	if errors.As(err, &e) {
		return e.wait
	}
	return 0
}

// verdict is what a failed call means for those it asked about.
type verdict int

const (
	transient   verdict = iota // it may go well the next time
	throttled                  // as transient, and the account is to be asked less
	ownFault                   // no call can go well: the key or the clock is wrong
	expired                    // the session is over before its time
	denied                     // the account does not allow it
	unsupported                // the API does not know the type
	missing                    // the API does not know the resource
	refused                    // something else about the ids
)

// clockCodes are those of keyCodes that say that the time of a request is wrong.
var clockCodes = []string{"IllegalTimestamp", "InvalidTimeStamp", "InvalidTimestamp", "RequestTimeTooSkewed"}

// keyCodes say that a request was not signed as it should be. Source: "Common
// error codes" of the OpenAPI gateway, and of STS.
var keyCodes = append([]string{
	"InvalidAccessKeyId", "InvalidAccessKeySecret", "InactiveAccessKey", "MissingAccessKeyId",
	"SignatureDoesNotMatch", "IncompleteSignature", "SignatureType",
}, clockCodes...)

// deniedCodes begin the codes of permissions that are missing, and the one of a
// role that is.
var deniedCodes = []string{
	"Forbidden", "NoPermission", "AccessDenied", "NoAuth", "Unauthorized", "PermissionDenied", "NotAuthorized",
	"AuthenticationFail", "EntityNotExist.Role", "InvalidParameter.RoleArn",
}

// judge tells what err means.
func judge(err error) verdict {
	var e *APIError
	if !errors.As(err, &e) {
		return transient // no answer, or not one to be read
	}
	is := func(prefixes []string) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(e.Code, p) {
				return true
			}
		}
		return false
	}
	has := func(s string) bool { return strings.Contains(e.Code, s) }
	switch {
	case strings.HasPrefix(e.Code, "Throttling"), e.HTTP == http.StatusTooManyRequests, has("FlowControl"):
		return throttled
	case e.Code == "", e.HTTP >= 500, e.HTTP == http.StatusRequestTimeout, e.Code == "SignatureNonceUsed", strings.HasPrefix(e.Code, "ServiceUnavailable"):
		return transient // without a code it is a proxy's
	case has("SecurityToken"), e.session && is(keyCodes):
		return expired
	case is(keyCodes):
		return ownFault
	case is(deniedCodes):
		return denied
	case has("ResourceType"), has("ProductCode"), has("Unsupported"), has("NotSupport"):
		return unsupported
	case (has("NotFound") || has("NotExist")) && (has("Resource") || has("Instance") || has("LoadBalancer") || has("ARN")):
		return missing
	}
	return refused
}
