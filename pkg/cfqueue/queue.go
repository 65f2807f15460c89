package cfqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Pull leases up to batch messages (at most [MaxBatch]) for as long as
// visibility (at most [MaxVisibility]). It does not wait for messages to
// arrive. backlog is how many the queue holds, as the API reports it, these
// included.
//
// When an answer is lost on the way its messages stay leased: they come back
// when visibility has passed, with one more attempt counted.
func (c *Client) Pull(ctx context.Context, batch int, visibility time.Duration) (messages []Message, backlog int64, err error) {
	if batch < 1 || batch > MaxBatch {
		return nil, 0, retry.Permanent(fmt.Errorf("cloudflare queues: pull: batch of %d is not between 1 and %d", batch, MaxBatch))
	}
	if visibility < time.Millisecond || visibility > MaxVisibility {
		return nil, 0, retry.Permanent(fmt.Errorf("cloudflare queues: pull: visibility timeout %v is not between 1ms and %v: set CF_VISIBILITY_TIMEOUT", visibility, MaxVisibility))
	}
	in := map[string]int64{"visibility_timeout_ms": visibility.Milliseconds(), "batch_size": int64(batch)}
	var out struct {
		Backlog  float64  `json:"message_backlog_count"`
		Messages []pulled `json:"messages"`
	}
	if err := c.call(ctx, "pull", "/messages/pull", in, &out); err != nil {
		return nil, 0, err
	}
	messages = make([]Message, 0, len(out.Messages))
	for _, p := range out.Messages {
		messages = append(messages, p.decode())
	}
	return messages, int64(out.Backlog), nil
}

// Return says that a message is to be delivered again.
type Return struct {
	LeaseID string
	// Delay holds it back, by whole seconds, rounded up; more than [MaxDelay]
	// counts as that.
	Delay time.Duration
}

// Settle acknowledges the leases in acks and returns those in returns, a
// hundred in a call. It returns how many of each the API counted: fewer than
// asked for when a lease is unknown by now, as after an answer that was lost.
// An error leaves the rest of them leased, to be delivered again.
func (c *Client) Settle(ctx context.Context, acks []string, returns []Return) (acked, returned int, err error) {
	type lease struct {
		LeaseID      string `json:"lease_id"`
		DelaySeconds *int64 `json:"delay_seconds,omitempty"`
	}
	leases := make([]lease, 0, len(acks)+len(returns))
	for _, id := range acks {
		leases = append(leases, lease{LeaseID: id})
	}
	for _, r := range returns {
		seconds := wholeSeconds(r.Delay)
		leases = append(leases, lease{r.LeaseID, &seconds})
	}
	for start := 0; start < len(leases); start += MaxBatch {
		end := min(start+MaxBatch, len(leases))
		split := min(max(len(acks), start), end)
		in := map[string][]lease{"acks": leases[start:split], "retries": leases[split:end]}
		var out struct {
			AckCount   float64 `json:"ackCount"`
			RetryCount float64 `json:"retryCount"`
		}
		if err := c.call(ctx, "ack", "/messages/ack", in, &out); err != nil {
			return acked, returned, err
		}
		acked += int(out.AckCount)
		returned += int(out.RetryCount)
	}
	return acked, returned, nil
}

// Send puts a message into the queue, to be delivered after delay. A body
// that is JSON is sent as json, other text as text. A lost answer makes Send
// try again, so that the message may be there twice.
func (c *Client) Send(ctx context.Context, body []byte, delay time.Duration) error {
	in := struct {
		Body         any    `json:"body"`
		ContentType  string `json:"content_type"`
		DelaySeconds int64  `json:"delay_seconds,omitempty"`
	}{json.RawMessage(body), "json", wholeSeconds(delay)}
	if !json.Valid(body) {
		if !utf8.Valid(body) {
			return retry.Permanent(errors.New("cloudflare queues: send: the body is neither JSON nor UTF-8 text"))
		}
		in.Body, in.ContentType = string(body), "text"
	}
	return c.call(ctx, "send", "/messages", in, nil)
}

func wholeSeconds(d time.Duration) int64 {
	d = min(max(d, 0), MaxDelay)
	return int64((d + time.Second - 1) / time.Second)
}
