package anypoint

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

const (
	tokenPath     = "/accounts/api/v2/oauth2/token" // #nosec G101 -- a path
	maxTokenBytes = 64 << 10
)

// hidden is a text that no way of printing shows: a function prints as its
// address, also as a field of a struct that knows nothing of it.
type hidden func() string

func hide(s string) hidden { return func() string { return s } }

// token is an access token, good from issued until expires.
type token struct {
	value           hidden
	issued, expires time.Time
}

// fresh tells whether t will outlive the wait for the budget and the call.
func (t token) fresh(now time.Time) bool {
	early := min(time.Minute, t.expires.Sub(t.issued)/10)
	return t.value != nil && now.Before(t.expires.Add(-early))
}

// tokens keeps the client's token and gets new ones, one at a time.
type tokens struct {
	id     string
	secret hidden
	fetch  func(ctx context.Context, form url.Values) (token, error)

	turn      chan struct{} // held to read or change what follows
	current   token
	refused   error // why the credentials were refused last
	refusedAt time.Time
}

func newTokens(id, secret string) *tokens {
	return &tokens{id: id, secret: hide(secret), turn: make(chan struct{}, 1)}
}

// get returns the current token, or a new one when there is none that is
// fresh. Callers that need one at the same time share one request, and its
// refusal.
func (t *tokens) get(ctx context.Context) (token, error) {
	entered := time.Now()
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return token{}, ended(ctx)
	}
	defer t.leave()
	if t.refusedAt.After(entered) { // while this caller waited
		return token{}, t.refused
	}
	if t.current.fresh(time.Now()) {
		return t.current, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {t.id}, "client_secret": {t.secret()}}
	tok, err := t.fetch(ctx, form)
	if retry.IsPermanent(err) {
		t.refused, t.refusedAt = err, time.Now()
	}
	if err != nil {
		return token{}, err
	}
	t.current = tok
	return tok, nil
}

func (t *tokens) leave() { <-t.turn }

// drop forgets bad, unless another token took its place already. It may give up
// when ctx ends, since so does its caller.
func (t *tokens) drop(ctx context.Context, bad token) {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer t.leave()
	if t.current.value != nil && t.current.value() == bad.value() {
		t.current = token{}
	}
}

// fetchToken asks for a token (OAuth 2.0 client credentials, RFC 6749 §4.4).
func (c *Client) fetchToken(ctx context.Context, form url.Values) (token, error) {
	asked := time.Now()
	res, err := c.send(ctx, new(Stats), call{
		method: http.MethodPost, path: tokenPath, body: []byte(form.Encode()),
		contentType: "application/x-www-form-urlencoded",
	}, "")
	if err != nil {
		return token{}, err
	}
	defer drain(res.Body)
	if res.StatusCode/100 != 2 {
		return token{}, tokenError(res, form.Get("client_secret"))
	}
	return readToken(ctx, res.Body, asked)
}

func readToken(ctx context.Context, body io.Reader, asked time.Time) (token, error) {
	var answer struct {
		AccessToken string   `json:"access_token"`
		ExpiresIn   lifetime `json:"expires_in"`
	}
	b, err := io.ReadAll(io.LimitReader(body, maxTokenBytes))
	if err != nil {
		return token{}, bodyError(ctx, "", err)
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		// The decoder's error may quote the body, and with it the token.
		return token{}, &Error{Kind: Protocol, Detail: "the token endpoint's answer is not JSON"}
	}
	if answer.AccessToken == "" {
		return token{}, &Error{Kind: Protocol, Detail: "the token endpoint's answer has no access_token"}
	}
	life := time.Duration(answer.ExpiresIn)
	if life <= 0 {
		life = 30 * time.Minute // the shortest the platform issues
	}
	return token{hide(answer.AccessToken), asked, asked.Add(life)}, nil
}

// lifetime is expires_in: seconds, as a number (RFC 6749 §5.1) or, from some
// gateways, in a string. What is neither counts as absent: the token is good.
type lifetime time.Duration

// UnmarshalJSON implements [json.Unmarshaler].
func (l *lifetime) UnmarshalJSON(data []byte) error {
	*l = 0
	text := string(data)
	if unquoted := ""; json.Unmarshal(data, &unquoted) == nil {
		text = strings.TrimSpace(unquoted)
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil && s > 0 {
		*l = lifetime(min(s, maxLifetime.Seconds()) * float64(time.Second))
	}
	return nil
}

// maxLifetime is more than any token has; it keeps nonsense from overflowing.
const maxLifetime = 24 * time.Hour

// tokenError judges an answer of the token endpoint. Its text is the server's
// and might repeat what it was sent.
func tokenError(res *http.Response, secret string) error {
	e := &Error{Kind: Auth, Status: res.StatusCode}
	switch code := res.StatusCode; {
	case code >= 500:
		e.Kind, e.Detail = Server, "the token endpoint failed: "+excerpt(res.Body, secret)
		return e
	case code == http.StatusNotFound || code/100 == 3:
		e.Kind, e.Detail = NotFound, "no token endpoint here: check MULE_BASE_URL and MULE_CONTROL_PLANE"
	default:
		e.Detail = "the connected app's credentials were refused: check CLIENT_ID and CLIENT_SECRET: " + describe(res.Body, secret)
	}
	return retry.Permanent(e)
}

// describe returns the error_description of an OAuth error body, or its start.
func describe(r io.Reader, secret string) string {
	b, err := io.ReadAll(io.LimitReader(r, maxTokenBytes))
	var answer struct {
		Description string `json:"error_description"`
		Code        string `json:"error"`
	}
	if err == nil && json.Unmarshal(b, &answer) == nil {
		if text := strings.TrimSpace(answer.Code + " " + answer.Description); text != "" {
			b = []byte(text)
		}
	}
	return excerpt(bytes.NewReader(b), secret)
}
