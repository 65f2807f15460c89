package cfqueue

import (
	"context"
	"time"
)

// Info is how a queue is set up (developers.cloudflare.com/api, Queues, Get
// Queue).
type Info struct {
	Name      string
	Consumers []Consumer
}

// Consumer is one consumer of a queue; a queue has at most one.
type Consumer struct {
	// Type is http_pull or worker.
	Type string
	// DeadLetter names the queue for messages that failed MaxRetries times;
	// without one they are deleted.
	DeadLetter string
	MaxRetries int
	// RetryDelay is that of a message returned without one.
	RetryDelay time.Duration
}

// Info asks how the queue is set up. It changes nothing.
func (c *Client) Info(ctx context.Context) (Info, error) {
	var out struct {
		Name      string `json:"queue_name"`
		Consumers []struct {
			Type       string `json:"type"`
			DeadLetter string `json:"dead_letter_queue"`
			Settings   struct {
				MaxRetries float64 `json:"max_retries"`
				RetryDelay float64 `json:"retry_delay"`
			} `json:"settings"`
		} `json:"consumers"`
	}
	if err := c.call(ctx, "info", "", nil, &out); err != nil {
		return Info{}, err
	}
	info := Info{Name: out.Name}
	for _, x := range out.Consumers {
		info.Consumers = append(info.Consumers, Consumer{
			Type: x.Type, DeadLetter: x.DeadLetter, MaxRetries: int(x.Settings.MaxRetries),
			RetryDelay: time.Duration(x.Settings.RetryDelay * float64(time.Second)),
		})
	}
	return info, nil
}
