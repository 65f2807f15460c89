package cfqueue

import (
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"time"
)

// The service's limits (developers.cloudflare.com/queues/platform/limits).
const (
	MaxBatch      = 100
	MaxVisibility = 12 * time.Hour
	MaxDelay      = 12 * time.Hour
	MaxMessage    = 128 << 10
	maxMaxRetries = 100
)

// The content types of a message, as sent back in CF-Content-Type.
const (
	JSON  = "json"
	Text  = "text"
	Bytes = "bytes"
	V8    = "v8"
)

// QueueOptions is how a queue and its pull consumer are set up.
type QueueOptions struct {
	// MaxRetries is how often a message is delivered again after its first
	// delivery failed: 0 means the service's default of 3, negative none.
	MaxRetries int
	// DeadLetter is the id of the queue for messages that failed for good;
	// without it they are deleted, as the service does.
	DeadLetter string
	// RetryDelay is the delay of a retry that states none.
	RetryDelay time.Duration
	// Retention is how long a message lives; 0 means 4 days.
	Retention time.Duration
}

// Queue is one queue. It is safe for concurrent use.
type Queue struct {
	id   string
	opts QueueOptions
	dead *Queue // for messages that failed for good; nil deletes them

	// mu is the server's: a message may move from one queue to another.
	mu       *sync.Mutex
	messages []*message // in order of arrival, none of them acknowledged
	leases   map[string]*message
	nextID   int
	counts   Counts
}

// Counts is what became of a queue's messages, for tests and reports.
type Counts struct {
	Pushed, Delivered, Acked, Retried, Expired int
	// Dead were moved to the dead-letter queue, Deleted failed for good
	// without one, Outlived reached the retention.
	Dead, Deleted, Outlived int
}

type message struct {
	id          string
	body        []byte
	contentType string
	born        time.Time
	visible     time.Time // not delivered before
	attempts    int
	lease       string   // the newest one, empty when none is running
	leases      []string // all that were given out
}

// Push puts a message into the queue and returns its id.
func (q *Queue) Push(body []byte, contentType string, delay time.Duration) (string, error) {
	switch {
	case len(body) > MaxMessage:
		return "", fmt.Errorf("message of %d bytes is over the limit of %d", len(body), MaxMessage)
	case delay < 0 || delay > MaxDelay:
		return "", fmt.Errorf("delay %v is not between 0 and %v", delay, MaxDelay)
	}
	switch contentType {
	case JSON, Text, Bytes, V8:
	default:
		return "", fmt.Errorf("content type %q is unknown", contentType)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	return q.add(&message{body: body, contentType: contentType, born: now, visible: now.Add(delay)}), nil
}

func (q *Queue) add(m *message) string {
	q.nextID++
	q.counts.Pushed++
	m.id = fmt.Sprintf("%s-%08d", q.id, q.nextID)
	q.messages = append(q.messages, m)
	return m.id
}

// delivery is a message as the API shows it.
type delivery struct {
	ID          string            `json:"id"`
	TimestampMS int64             `json:"timestamp_ms"`
	Attempts    int               `json:"attempts"`
	LeaseID     string            `json:"lease_id"`
	Body        string            `json:"body"`
	Metadata    map[string]string `json:"metadata"`
}

// pull leases up to batch visible messages and returns them with the number
// of messages that are not acknowledged yet.
func (q *Queue) pull(batch int, visibility time.Duration) ([]delivery, int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.sweep(now)
	out := []delivery{}
	for _, m := range q.messages {
		if len(out) == batch {
			break
		}
		if m.visible.After(now) {
			continue
		}
		m.attempts++
		m.visible = now.Add(visibility)
		m.lease = fmt.Sprintf("%s.%d", m.id, m.attempts)
		m.leases = append(m.leases, m.lease)
		q.leases[m.lease] = m
		q.counts.Delivered++
		out = append(out, m.deliver())
	}
	return out, len(q.messages)
}

// backlog is what is not acknowledged: how many messages, their bytes, and when the
// oldest came.
func (q *Queue) backlog() (n, bytes int, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweep(time.Now())
	for _, m := range q.messages {
		if n++; oldest.IsZero() || m.born.Before(oldest) {
			oldest = m.born
		}
		bytes += len(m.body)
	}
	return n, bytes, oldest
}

func (m *message) deliver() delivery {
	body := string(m.body)
	if m.contentType != Text {
		body = base64.StdEncoding.EncodeToString(m.body)
	}
	return delivery{
		ID: m.id, TimestampMS: m.born.UnixMilli(), Attempts: m.attempts, LeaseID: m.lease, Body: body,
		Metadata: map[string]string{"CF-Content-Type": m.contentType, "CF-sourceMessageSource": "r2"},
	}
}

// ack ends a message, also by a lease that has expired: the service accepts
// late acknowledgements. It returns false for a lease it does not know.
func (q *Queue) ack(lease string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweep(time.Now())
	m, ok := q.leases[lease]
	if !ok {
		return false
	}
	q.remove(m)
	q.counts.Acked++
	return true
}

// retry gives a message back, to be delivered after delay (negative: the
// queue's own). It returns false for a lease that is not running.
func (q *Queue) retry(lease string, delay time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.sweep(now)
	m, ok := q.leases[lease]
	if !ok || m.lease != lease {
		return false
	}
	if delay < 0 {
		delay = q.opts.RetryDelay
	}
	q.counts.Retried++
	q.failed(m, now.Add(delay))
	return true
}

// failed ends a delivery without success.
func (q *Queue) failed(m *message, again time.Time) {
	m.lease = ""
	m.visible = again
	if m.attempts <= q.opts.MaxRetries {
		return
	}
	q.remove(m)
	if q.dead == nil {
		q.counts.Deleted++
		return
	}
	q.counts.Dead++
	// Only the content moves over: in the other queue the attempts start anew.
	q.dead.add(&message{body: m.body, contentType: m.contentType, born: again, visible: again})
}

// sweep does what the time that has passed calls for.
func (q *Queue) sweep(now time.Time) {
	for _, m := range slices.Clone(q.messages) {
		switch {
		case now.Sub(m.born) >= q.opts.Retention:
			q.remove(m)
			q.counts.Outlived++
		case m.lease != "" && !m.visible.After(now):
			q.counts.Expired++
			q.failed(m, m.visible)
		}
	}
}

// TimeOut has the visibility timeout of every message that is leased pass.
func (q *Queue) TimeOut() {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for _, m := range q.messages {
		if m.lease != "" {
			m.visible = now
		}
	}
	q.sweep(now)
}

func (q *Queue) remove(m *message) {
	for _, lease := range m.leases {
		delete(q.leases, lease)
	}
	if i := slices.Index(q.messages, m); i >= 0 {
		q.messages = slices.Delete(q.messages, i, i+1)
	}
}

// Backlog returns how many messages are not acknowledged yet.
func (q *Queue) Backlog() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweep(time.Now())
	return len(q.messages)
}

// Bodies returns what lies in the queue, oldest first.
func (q *Queue) Bodies() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweep(time.Now())
	out := make([]string, 0, len(q.messages))
	for _, m := range q.messages {
		out = append(out, string(m.body))
	}
	return out
}

// Counts returns what became of the messages so far.
func (q *Queue) Counts() Counts {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sweep(time.Now())
	return q.counts
}
