package anypoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/redact"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Kind says what went wrong, in terms of what would mend it.
type Kind string

// The kinds of [Error]. Throttled, Server, Network, Protocol and Expired are
// transient; the others are permanent.
const (
	Auth       Kind = "auth"        // the credentials are refused
	Scope      Kind = "scope"       // the connected app lacks a scope in the organisation
	NotFound   Kind = "not found"   // no such organisation, or no such API at the base URL
	BadRequest Kind = "bad request" // the API does not take the request
	Throttled  Kind = "throttled"   // 429 or 503, or no time left to wait for the budget
	Server     Kind = "server"      // another 5xx
	Network    Kind = "network"     // no answer, or not all of it
	Protocol   Kind = "protocol"    // an answer that is not what the API documents
	Expired    Kind = "expired"     // the API does not take a cursor any more that it gave; a new query may
)

// Error is any failure of a call to the API, save that the caller's context
// ended: then errors.Is finds the context's error. Use errors.As to get at it,
// and retry.IsPermanent to learn whether another attempt may help.
type Error struct {
	Kind   Kind
	Status int    // HTTP status; 0 when there was no answer
	Org    string // organisation asked about; empty for a token
	Detail string // what happened and what to fix
	Err    error  // the cause, if any
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("anypoint: ")
	if e.Org != "" {
		fmt.Fprintf(&b, "organisation %s: ", e.Org)
	}
	b.WriteString(e.Detail)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Cause implements [cause.Known].
func (e *Error) Cause() cause.Code {
	switch e.Kind {
	case Auth:
		return cause.CredentialsRefused
	case Throttled: // also 503: the API's answer while the budget of a minute is spent
		return cause.Throttled
	case Protocol, Expired:
		return cause.UnexpectedAnswer
	case Network:
		return ""
	}
	return cause.OfStatus(e.Status)
}

// statusError judges an answer to a call that carried a token. 401, 429 and
// 503 are handled before it.
func statusError(res *http.Response, org, scope string) error {
	e := &Error{Status: res.StatusCode, Org: org}
	switch code := res.StatusCode; {
	case code == http.StatusForbidden:
		e.Kind = Scope
		e.Detail = fmt.Sprintf("the connected app may not do this here: grant it the scope %q in this organisation", scope)
	case code == http.StatusNotFound:
		e.Kind, e.Detail = NotFound, "unknown organisation: check MULE_ORG_ID, and that MULE_CONTROL_PLANE is where it lives"
	case code >= 500:
		e.Kind, e.Detail = Server, "the API failed: "+excerpt(res.Body, borne(res))
		return e
	case code >= 300 && code < 400:
		e.Kind, e.Detail = BadRequest, "redirected to "+strconv.Quote(redact.Text(res.Header.Get("Location"), borne(res)))+": check MULE_BASE_URL"
	default:
		e.Kind, e.Detail = BadRequest, "the API refused the request: "+excerpt(res.Body, borne(res))
	}
	return retry.Permanent(e)
}

// borne is the token that the request of res bore, if it bore one.
func borne(res *http.Response) string {
	if res.Request == nil {
		return ""
	}
	return strings.TrimPrefix(res.Request.Header.Get("Authorization"), "Bearer ")
}

// transportError judges a call that got no answer.
func transportError(ctx context.Context, org string, err error) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	return &Error{Kind: Network, Org: org, Detail: "no answer", Err: err}
}

// ended says that ctx did, and why.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("anypoint: %w: %w", ctx.Err(), cause)
	}
	return fmt.Errorf("anypoint: %w", ctx.Err())
}

// bodyError judges an answer that broke off, or was not what was expected.
func bodyError(ctx context.Context, org string, err error) error {
	var syntax *syntaxError
	switch {
	case errors.As(err, &syntax) || errors.Is(err, errCutShort):
		return &Error{Kind: Protocol, Org: org, Detail: "cannot read the page", Err: err}
	case ctx.Err() != nil:
		return ended(ctx)
	}
	return &Error{Kind: Network, Org: org, Detail: "the answer broke off", Err: err}
}

// excerpt is the start of a body, on one line, without the secrets that the
// request bore: servers and gateways echo them.
func excerpt(r io.Reader, secrets ...string) string {
	const most = 300
	b, err := io.ReadAll(io.LimitReader(r, maxTokenBytes))
	text := redact.Text(strings.ToValidUTF8(string(b), "\uFFFD"), secrets...)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	if text == "" {
		text = "no explanation given"
	}
	if err != nil {
		text += " …"
	}
	return text
}
