package hec

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Status of a [Finding].
type Status string

// What a check can find.
const (
	OK      Status = "ok"
	Failed  Status = "failed"
	Unknown Status = "unknown" // cannot be told without indexing something
)

// Finding is one thing looked at on one endpoint.
type Finding struct {
	Endpoint string
	What     string // health, token, index or ack
	Status   Status
	Detail   string // for a reader
	Err      error  // set if failed; permanent if the configuration is at fault
}

// Health asks each endpoint whether it takes data now (GET
// /services/collector/health: code 17 if so, 18 to 23 if not).
func (c *Client) Health(ctx context.Context) []Finding {
	var out []Finding
	for _, e := range c.fleet.all {
		out = append(out, c.health(ctx, e))
	}
	return out
}

func (c *Client) health(ctx context.Context, e *endpoint) Finding {
	a, _, err := c.do(ctx, e, e.acks.mark().channel, http.MethodGet, pathHealth, nil, false)
	if err != nil {
		_, err = transportError(e.url, err)
	} else {
		err = c.good(e, &a)
	}
	return finding(e, "health", a, err)
}

// Check looks, before any data flows, at all that can be known of the
// configuration without indexing an event: the token by a request without
// data, the index (if one is given) by an object without an event, and
// acknowledgement by a query for nothing. Each look takes patience at most.
func (c *Client) Check(ctx context.Context, index string, patience time.Duration) []Finding {
	looks := []func(context.Context, *endpoint) Finding{c.health, c.checkToken}
	if index != "" {
		looks = append(looks, func(ctx context.Context, e *endpoint) Finding { return c.checkIndex(ctx, e, index) })
	}
	if c.opts.Ack {
		looks = append(looks, c.checkAck)
	}
	var out []Finding
	for _, e := range c.fleet.all {
		for _, look := range looks {
			limited, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %v: %w", patience, context.DeadlineExceeded))
			out = append(out, look(limited, e))
			cancel()
		}
	}
	return out
}

// good turns anything but a 2xx into an error; the probes carry no event
// that could be refused on its merits.
func (c *Client) good(e *endpoint, a *answer) error {
	switch {
	case a.verdict == refused || a.verdict == tooLarge:
		return retry.Permanent(&Error{Endpoint: e.url, Status: a.status, Code: a.code, Text: a.text, Fix: a.refusalFix()})
	case a.verdict == accepted:
		return nil
	}
	return c.judge(e, a)
}

func (c *Client) checkToken(ctx context.Context, e *endpoint) Finding {
	a, err := c.probe(ctx, e, pathEvent, nil)
	if a.verdict == refused && a.code == 5 { // No data: the token passed
		return Finding{Endpoint: e.url, What: "token", Status: OK, Detail: "accepted"}
	}
	if err == nil {
		err = c.good(e, &a)
	}
	f := finding(e, "token", a, err)
	if err == nil {
		f.Status, f.Detail = Unknown, "the receiver takes a request without data; Splunk would not"
	}
	return f
}

func (c *Client) checkIndex(ctx context.Context, e *endpoint, index string) Finding {
	body, _ := AppendString([]byte(`{"index":`), index)
	a, err := c.probe(ctx, e, pathEvent, append(body, '}'))
	if a.verdict == refused && a.aboutEvents() || a.verdict == accepted {
		return Finding{Endpoint: e.url, What: "index", Status: Unknown,
			Detail: fmt.Sprintf("not refused so far; only an event shows whether the token may write to %q", index)}
	}
	if err == nil {
		err = c.good(e, &a)
	}
	return finding(e, "index", a, err)
}

func (c *Client) checkAck(ctx context.Context, e *endpoint) Finding {
	a, err := c.probe(ctx, e, pathAck, []byte(`{"acks":[]}`))
	if a.verdict == refused && a.aboutEvents() { // a receiver may call an empty query no data; the token has passed by then
		return Finding{Endpoint: e.url, What: "ack", Status: Unknown, Detail: "the receiver does not answer an empty query: " + a.text}
	}
	if err == nil {
		err = c.good(e, &a)
	}
	return finding(e, "ack", a, err)
}

func (c *Client) probe(ctx context.Context, e *endpoint, path string, body []byte) (answer, error) {
	a, _, err := c.post(ctx, e, e.acks.mark().channel, path, body, false)
	if err != nil {
		_, err = transportError(e.url, err)
		a.verdict = transient
	}
	return a, err
}

func finding(e *endpoint, what string, a answer, err error) Finding {
	f := Finding{Endpoint: e.url, What: what, Status: OK, Detail: a.text, Err: err}
	if f.Detail == "" {
		f.Detail = strconv.Itoa(a.status)
	}
	if err != nil {
		f.Status, f.Detail = Failed, err.Error()
	}
	return f
}
