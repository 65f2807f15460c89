package cfqueue

import (
	"context"
	"time"
)

// Backlog is what a queue holds. The service counts in many places at once, and may
// be a little behind (developers.cloudflare.com/api, Queues, Get Queue Metrics).
type Backlog struct {
	// Messages are those that nobody has acknowledged.
	Messages int64
	// Oldest is when the oldest of them came, zero where the service cannot tell.
	Oldest time.Time
}

// Backlog asks what the queue holds. It changes nothing, and needs no consumer.
func (c *Client) Backlog(ctx context.Context) (Backlog, error) {
	var out struct {
		Messages float64 `json:"backlog_count"`
		Oldest   float64 `json:"oldest_message_timestamp_ms"`
	}
	if err := c.call(ctx, "metrics", "/metrics", nil, &out); err != nil {
		return Backlog{}, err
	}
	b := Backlog{Messages: int64(out.Messages)}
	if out.Oldest > 0 {
		b.Oldest = time.UnixMilli(int64(out.Oldest)).UTC()
	}
	return b, nil
}
