package sls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/redact"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Error codes that callers of this package act upon, as documented; [IsCode]
// knows the other spellings that the service has used.
// Source: "Common error codes" and the pages of the single APIs.
const (
	CodeInvalidCursor        = "InvalidCursor"
	codeParameterInvalid     = "ParameterInvalid"
	CodeShardNotExist        = "ShardNotExist"
	CodeGroupAlreadyExist    = "ConsumerGroupAlreadyExist"
	CodeGroupNotExist        = "ConsumerGroupNotExist"
	CodeConsumerNotExist     = "ConsumerNotExist"
	CodeConsumerNotMatch     = "ConsumerNotMatch"
	CodeConsumerBodyUnknown  = "NotExistConsumerWithBody"
	CodeRequestTimeTooSkewed = "RequestTimeTooSkewed"
	CodeProjectNotExist      = "ProjectNotExist"
	CodeLogStoreNotExist     = "LogStoreNotExist"
	CodeIndexConfigNotExist  = "IndexConfigNotExist"
	codeSignatureNotMatch    = "SignatureNotMatch"
	codeInvalidAccessKeyID   = "InvalidAccessKeyId"
	CodeUnauthorized         = "Unauthorized"
	codeLogStoreWithoutShard = "LogStoreWithoutShard"
	codeConsumerGroupQuota   = "ConsumerGroupQuotaExceed"
	codeMissingDate          = "MissingDate"
)

// Kind says what can be done about an [Error].
type Kind int

// The kinds of error.
const (
	// Transient errors may be gone on the next attempt.
	Transient Kind = iota
	// Quota errors are transient, but only after a while.
	Quota
	// Config errors need a person: a key, a name, a permission, a clock.
	Config
	// Permanent errors are the request's own fault.
	Permanent
)

// Error is a refusal by SLS.
type Error struct {
	HTTP      int    // HTTP status
	Code      string // errorCode, empty when the body was not the service's own
	Message   string // errorMessage
	RequestID string // what Alibaba's support asks for

	wait time.Duration // for which the service asks to be left alone
}

// Error says what was refused, and what to fix where that is known.
func (e *Error) Error() string {
	s := fmt.Sprintf("sls: %d %s: %s", e.HTTP, e.Code, e.Message)
	if e.Code == "" {
		s = fmt.Sprintf("sls: HTTP %d", e.HTTP)
	}
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	if h := e.Hint(); h != "" {
		s += "; " + h
	}
	return s
}

// Cause implements [cause.Known].
func (e *Error) Cause() cause.Code {
	switch {
	case e.is(CodeRequestTimeTooSkewed):
		return cause.ClockOff
	case e.is(CodeUnauthorized) && strings.Contains(e.Message, "denied by"): // "denied by sts or ram, action: …"
		return cause.PermissionDenied
	case e.is(codeSignatureNotMatch, codeInvalidAccessKeyID, CodeUnauthorized):
		return cause.CredentialsRefused
	case e.is(codeMissingDate), e.HTTP == http.StatusForbidden && e.Code == "":
		return cause.ProxyRefused
	case e.is(codeConsumerGroupQuota):
		return cause.Misconfigured
	case e.Kind() == Quota:
		return cause.Throttled
	}
	return cause.OfStatus(e.HTTP)
}

// Mend implements [cause.Mender].
func (e *Error) Mend() string { return e.Hint() }

// Kind classifies the error by status and code.
func (e *Error) Kind() Kind {
	switch {
	case e.HTTP == http.StatusForbidden && e.is(quotaCodes...), e.HTTP == http.StatusTooManyRequests:
		return Quota
	case e.HTTP >= 500 || e.HTTP == http.StatusRequestTimeout || e.is(codeLogStoreWithoutShard):
		return Transient
	case e.known() != "", e.HTTP == http.StatusUnauthorized, e.HTTP == http.StatusForbidden:
		return Config
	}
	return Permanent
}

var quotaCodes = []string{
	"", // a proxy's bare 403 is no verdict on the key
	"ReadQuotaExceed", "WriteQuotaExceed", "ShardReadQuotaExceed", "ShardWriteQuotaExceed",
	"ProjectQuotaExceed", "QuotaExceed",
}

// Hint says what to fix, or nothing when no person can help.
func (e *Error) Hint() string {
	if h := e.known(); h != "" {
		return h
	}
	if e.Kind() == Config {
		return "check the access key's permissions (RAM policy) on this project and logstore"
	}
	return ""
}

var hints = map[string]string{
	codeSignatureNotMatch:    "the access key secret does not belong to the access key id",
	codeInvalidAccessKeyID:   "the access key id is unknown or disabled",
	CodeUnauthorized:         "the access key is unknown, disabled or expired, or lacks the RAM permission for this call",
	CodeRequestTimeTooSkewed: "this machine's clock is more than 15 minutes off: correct it",
	CodeProjectNotExist:      "check the project's name and that the endpoint is that of its region",
	CodeLogStoreNotExist:     "check the logstore's name",
	codeMissingDate:          "a proxy on the way takes the headers Date and x-log-date away: let it pass x-log-*, or set the region (SLS_REGION), which signs another way",
	codeConsumerGroupQuota:   "the logstore has as many consumer groups as it may have: delete one that is not used",
}

// known is the hint about the code.
func (e *Error) known() string {
	for code, hint := range hints {
		if e.is(code) {
			return hint
		}
	}
	return ""
}

// is tells whether the error bears one of the codes, whatever its case, and
// also as "…NotExsit", which the service has been seen to send: the Go SDK
// (consumer/shard_worker.go) compares only with that, the Rust one with both.
func (e *Error) is(codes ...string) bool {
	return slices.ContainsFunc(codes, func(code string) bool {
		return strings.EqualFold(e.Code, code) ||
			strings.HasSuffix(code, "Exist") && strings.EqualFold(e.Code, strings.TrimSuffix(code, "Exist")+"Exsit")
	})
}

// IsCode tells whether err is an [Error] with one of the codes.
func IsCode(err error, codes ...string) bool {
	var e *Error
	return errors.As(err, &e) && e.is(codes...)
}

// IsInvalidCursor tells whether err says that a cursor is malformed or older
// than what the shard still holds.
func IsInvalidCursor(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.is(CodeInvalidCursor) ||
		e.is(codeParameterInvalid) && strings.EqualFold(e.Message, "Parameter Cursor is not valid"))
}

// IsConfig tells whether err needs a person to change something.
func IsConfig(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind() == Config
}

// quotaPause is the least wait after a quota refusal. Those of a shard count by the
// second; those of a project by the minute, so that each refusal of a call waits
// twice as long as the one before, up to longestPause: eight attempts, which is what
// calls have unless told otherwise, outlast a minute.
const (
	quotaPause   = time.Second
	longestPause = 15 * time.Second
)

// retry makes a call as often as the client's policy has it.
func (c *Client) retry(ctx context.Context, call func(context.Context) error) error {
	pause := quotaPause
	return c.opts.Retry.Do(ctx, func(ctx context.Context) error {
		err := call(ctx)
		var e *Error
		if errors.As(err, &e) && e.is("ReadQuotaExceed", "WriteQuotaExceed", "ProjectQuotaExceed", "QuotaExceed") {
			err = retry.After(err, max(pause, e.wait))
			pause = min(2*pause, longestPause)
		}
		return err
	})
}

// refusal makes the error of a response other than 200, marked permanent or
// transient; it repeats none of the secrets that the request bore.
func refusal(status int, header http.Header, body []byte, secrets ...string) error {
	e := &Error{HTTP: status, RequestID: header.Get("x-log-requestid")}
	var wire struct{ ErrorCode, ErrorMessage string }
	if json.Unmarshal(body, &wire) == nil {
		e.Code, e.Message = redact.Text(wire.ErrorCode, secrets...), redact.Text(wire.ErrorMessage, secrets...)
	}
	switch e.Kind() {
	case Transient, Quota:
		wait, _ := retry.RetryAfter(header, time.Now())
		if e.Kind() == Quota {
			wait = max(wait, quotaPause)
		}
		e.wait = wait
		return retry.After(e, wait)
	}
	return retry.Permanent(e)
}
