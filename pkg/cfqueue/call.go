package cfqueue

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/redact"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// maxAnswer bounds an answer in memory: a hundred messages of 128 KB of text,
// each byte escaped in JSON.
const maxAnswer = 96 << 20

// Error is the API's refusal.
type Error struct {
	Op     string // pull, ack, send or info
	Status int    // HTTP status
	Code   int    // Cloudflare's error code, 0 if it gave none
	Reason string // Cloudflare's message
	Hint   string // what to fix, empty if unknown
}

func (e *Error) Error() string {
	msg := fmt.Sprintf("cloudflare queues: %s: HTTP %d", e.Op, e.Status)
	if e.Code != 0 {
		msg += fmt.Sprintf(", code %d", e.Code)
	}
	if e.Reason != "" {
		msg += ": " + e.Reason
	}
	if e.Hint != "" {
		msg += ": " + e.Hint
	}
	return msg
}

// Cause implements [cause.Known].
func (e *Error) Cause() cause.Code {
	switch {
	case e.Code == 7003 || e.Code == 7000:
		return cause.NotFound
	case hint(e.Status, e.Code) == tokenHint && e.Status != http.StatusForbidden:
		return cause.CredentialsRefused
	case e.Status/100 == 2:
		return cause.UnexpectedAnswer
	}
	return cause.OfStatus(e.Status)
}

const (
	tokenHint = "CF_API_TOKEN must be valid and have the permissions Queues Read and Queues Write on the account CF_ACCOUNT_ID"
	queueHint = "check CF_QUEUE_ID (the queue's id, not its name) and CF_ACCOUNT_ID"
)

// hint knows the refusals an operator can mend.
func hint(status, code int) string {
	switch {
	case code == 7003 || code == 7000: // no route: an id in the path is malformed
		return queueHint
	case code == 6003 || code == 6111 || code == 9109 || code == 10000: // header or token refused
		return tokenHint
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return tokenHint
	case status == http.StatusNotFound:
		return queueHint
	}
	return ""
}

// call posts in to the queue, or asks for it if in is nil, and reads the
// answer's result into out, if that is not nil, under the client's retry policy.
func (c *Client) call(ctx context.Context, op, path string, in, out any) error {
	method, body := http.MethodGet, []byte(nil)
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return retry.Permanent(fmt.Errorf("cloudflare queues: %s: %w", op, err))
		}
		method = http.MethodPost
	}
	return c.retry.Do(ctx, func(ctx context.Context) error {
		return c.attempt(ctx, op, method, path, body, out)
	})
}

func (c *Client) attempt(ctx context.Context, op, method, path string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.queue+path, bytes.NewReader(body))
	if err != nil {
		return retry.Permanent(fmt.Errorf("cloudflare queues: %s: %w", op, err))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", version.UserAgent())
	c.authorize(req)
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("cloudflare queues: %s: %w", op, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("cloudflare queues: %s: read the answer: %w", op, err)
	}
	if len(answer) > maxAnswer {
		return retry.Permanent(fmt.Errorf("cloudflare queues: %s: the answer is over %d bytes: pull smaller batches", op, maxAnswer))
	}
	var envelope struct {
		Success bool            `json:"success"`
		Errors  json.RawMessage `json:"errors"`
		Result  json.RawMessage `json:"result"`
	}
	err = json.Unmarshal(answer, &envelope)
	if resp.StatusCode/100 != 2 || (err == nil && !envelope.Success) {
		return c.refusal(op, resp, envelope.Errors)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(envelope.Result, out)
	}
	if err != nil {
		return fmt.Errorf("cloudflare queues: %s: unreadable answer: %w", op, err)
	}
	return nil
}

// refusal makes the error of an answer that is no success, and decides
// whether it may pass by itself.
func (c *Client) refusal(op string, resp *http.Response, list json.RawMessage) error {
	e := &Error{Op: op, Status: resp.StatusCode}
	var errs []struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(list, &errs) == nil && len(errs) > 0 {
		e.Code, e.Reason = errs[0].Code, fmt.Sprintf("%.200q", c.redact(errs[0].Message))
	}
	e.Hint = strings.ReplaceAll(hint(e.Status, e.Code), "CF_QUEUE_ID", c.variable)
	switch {
	case e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable:
		wait, _ := retry.RetryAfter(resp.Header, time.Now())
		return retry.After(e, wait)
	case e.Status >= 500 || e.Status == http.StatusRequestTimeout || e.Status/100 == 2:
		return e
	default:
		return retry.Permanent(e)
	}
}

// redactor returns a function that hides secret in what a server echoes.
func redactor(secret string) func(string) string {
	return func(s string) string { return redact.Text(s, secret) }
}
