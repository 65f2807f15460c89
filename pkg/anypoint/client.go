package anypoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/version"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// DefaultMaxRecordBytes is the longest entry that is handed out by default.
const DefaultMaxRecordBytes = 16 << 20

// Options configure a [Client]. ClientID and ClientSecret are required.
type Options struct {
	BaseURL       string // default: the US plane's
	ClientID      string // of the connected app
	ClientSecret  string
	RatePerMinute int // requests the API allows a minute; default: the US plane's 700
	PageSize      int // entries a page, at most 200; default 200

	// MaxRecordBytes is the longest entry that is handed out, in bytes as
	// received; one at a time is held in memory. Default 16 MiB.
	MaxRecordBytes int

	// HTTPClient sends the requests. The default keeps connections and gives
	// up on a server that sends no answer for a minute.
	HTTPClient *http.Client
	// IdleTimeout ends an answer none of which arrives for so long; default 1m.
	IdleTimeout time.Duration
	// Retry bounds the attempts at one page after a failure that may pass;
	// default 6 attempts, 500 ms to 20 s apart. 429 and 503 do not use up
	// attempts, see MaxPauses.
	Retry retry.Policy
	// MinPause and MaxPause bound how long the whole client stops after a 429
	// or 503 without Retry-After: from 1 s, doubling, to 60 s by default, since
	// the API answers 503 until the minute is over.
	MinPause, MaxPause time.Duration
	// MaxPauses is how often one call is refused with 429 or 503 in a row
	// before it fails; default 10, about four minutes.
	MaxPauses int
	// Notify, if set, hears of each failure that is followed by another try,
	// before its wait.
	Notify func(wait time.Duration, err error)
}

// Format leaves out the secret, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "anypoint.Options{%s %s [redacted]}", o.BaseURL, o.ClientID)
}

// Client calls the API. It is safe for concurrent use; all of its calls share
// one token and one request budget.
type Client struct {
	base      string
	rate      int
	pageSize  int
	maxRecord int
	room      room
	http      *http.Client
	idle      time.Duration
	policy    retry.Policy
	maxPauses int
	notify    func(time.Duration, error)
	budget    *budget
	tokens    *tokens
}

// New returns a client. It makes no call yet.
func New(o Options) *Client {
	c := &Client{
		base:      strings.TrimRight(or(o.BaseURL, US.BaseURL()), "/"),
		rate:      or(o.RatePerMinute, US.RatePerMinute()),
		pageSize:  min(or(o.PageSize, maxPageSize), maxPageSize),
		maxRecord: or(o.MaxRecordBytes, DefaultMaxRecordBytes),
		room:      newRoom(),
		http:      o.HTTPClient,
		idle:      or(o.IdleTimeout, time.Minute),
		policy:    o.Retry,
		maxPauses: or(o.MaxPauses, 10),
		notify:    o.Notify,
		tokens:    newTokens(o.ClientID, o.ClientSecret),
	}
	if c.policy.Attempts == 0 {
		c.policy.Attempts, c.policy.Base, c.policy.Max = 6, 500*time.Millisecond, 20*time.Second
	}
	if c.http == nil {
		c.http = defaultHTTP()
	}
	c.http = watch.Client(named, *c.http)
	c.budget = newBudget(c.rate, or(o.MinPause, time.Second), or(o.MaxPause, time.Minute))
	c.tokens.fetch = c.fetchToken
	return c
}

// or returns v, or otherwise when v is zero.
func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func defaultHTTP() *http.Client {
	t := proxy.Transport()
	t.ResponseHeaderTimeout = time.Minute
	t.MaxIdleConnsPerHost = 32
	return &http.Client{
		Transport: t,
		// Followed, a redirected POST becomes a GET, and escapes the budget.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// named names what a request is for.
func named(r *http.Request) string {
	if strings.HasSuffix(r.URL.Path, tokenPath) {
		return "MULE_BASE_URL (token)"
	}
	return "MULE_BASE_URL"
}

// Token makes sure that there is a token, and so that the credentials are good.
func (c *Client) Token(ctx context.Context) error {
	return c.retry(ctx, new(Stats), func(ctx context.Context) error {
		_, err := c.tokens.get(ctx)
		return err
	})
}

// Resume ends a pause of more than MaxPause that the API asked for. Call it when
// a run begins: how long an earlier one was asked to wait may be a day, and only
// asking tells whether it still holds.
func (c *Client) Resume() { c.budget.resume() }

// CloseIdle closes the connections that are kept for later calls.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// final ends the attempts at a call although its error is not permanent.
type final struct{ err error }

func (f *final) Error() string { return f.err.Error() }
func (f *final) Unwrap() error { return f.err }

// retry runs op under the client's policy and counts in st.
func (c *Client) retry(ctx context.Context, st *Stats, op func(context.Context) error) error {
	policy := c.policy
	policy.Notify = func(attempt int, wait time.Duration, err error) {
		c.again(st, wait, err)
		if c.policy.Notify != nil {
			c.policy.Notify(attempt, wait, err)
		}
	}
	var last *final
	err := policy.Do(ctx, func(ctx context.Context) error {
		err := op(ctx)
		if errors.As(err, &last) {
			return retry.Permanent(err)
		}
		return err
	})
	if last != nil {
		return last.err
	}
	return err
}

func (c *Client) again(st *Stats, wait time.Duration, err error) {
	st.Retries++
	if c.notify != nil {
		c.notify(wait, err)
	}
}

// call is one request to the API.
type call struct {
	method, path, contentType string
	query                     url.Values
	body                      []byte
	org                       string // for errors
}

// do makes a call with a token, and with a new one if that is refused. Any
// answer but 401, 429 and 503 is the caller's, who must close its body.
func (c *Client) do(ctx context.Context, st *Stats, k call) (*http.Response, error) {
	var refused time.Time
	for {
		tok, err := c.tokens.get(ctx)
		if err != nil {
			return nil, err
		}
		res, err := c.send(ctx, st, k, tok.value())
		if err != nil || res.StatusCode != http.StatusUnauthorized {
			return res, err
		}
		e := &Error{Kind: Auth, Status: res.StatusCode, Org: k.org, Detail: "the token was refused: " + excerpt(res.Body, borne(res), c.tokens.secret())}
		drain(res.Body)
		// A token that is younger than the first refusal cannot have expired.
		if !refused.IsZero() && !tok.issued.Before(refused) {
			e.Detail = "a new token was refused too: check that the connected app belongs to this organisation: " + e.Detail
			return nil, retry.Permanent(e)
		}
		if refused.IsZero() {
			refused = time.Now()
		}
		c.tokens.drop(ctx, tok)
		c.again(st, 0, e)
	}
}

// send makes a call when its turn has come, and again after a pause when the
// API asks for one.
func (c *Client) send(ctx context.Context, st *Stats, k call, bearer string) (*http.Response, error) {
	for refused := 1; ; refused++ {
		if err := c.budget.wait(ctx); err != nil {
			return nil, err
		}
		sent := time.Now()
		res, err := c.roundTrip(ctx, k, bearer)
		if err != nil {
			return nil, err
		}
		if res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusServiceUnavailable {
			c.budget.success(sent)
			return res, nil
		}
		asked, ok := retry.RetryAfter(res.Header, saidAt(res))
		e := &Error{Kind: Throttled, Status: res.StatusCode, Org: k.org, Detail: "the API asks to slow down: " + excerpt(res.Body, borne(res), c.tokens.secret())}
		drain(res.Body)
		pause := c.budget.pause(sent, asked, ok)
		if refused >= c.maxPauses {
			return nil, &final{retry.After(e, pause)}
		}
		c.again(st, pause, e)
	}
}

func (c *Client) roundTrip(ctx context.Context, k call, bearer string) (*http.Response, error) {
	caller := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	target := c.base + k.path
	if len(k.query) > 0 {
		target += "?" + k.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, bytes.NewReader(k.body))
	if err != nil {
		cancel(nil)
		return nil, retry.Permanent(&Error{Kind: BadRequest, Org: k.org, Detail: "check MULE_BASE_URL", Err: err})
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", version.UserAgent())
	if k.contentType != "" {
		req.Header.Set("Content-Type", k.contentType)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := c.http.Do(req)
	if err != nil {
		cancel(nil)
		return nil, transportError(caller, k.org, err)
	}
	res.Body = newIdleBody(res.Body, c.idle, cancel)
	return res, nil
}

// saidAt is when an answer was given, by the clock of who gave it: a date in it is
// of that clock, which ours may be off.
func saidAt(res *http.Response) time.Time {
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return time.Now()
	}
	return at
}

// drain reads the little that is left of an answer, so that its connection can
// serve again, and closes it.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 256<<10)
	_ = body.Close()
}
