package cfqueue

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// info answers how the queue and its pull consumer are set up.
func info(w http.ResponseWriter, _ *http.Request, q *Queue) {
	consumer := map[string]any{
		"consumer_id": "consumer-of-" + q.id, "queue_id": q.id, "type": "http_pull",
		"settings": map[string]any{
			"batch_size": 10, "max_retries": q.opts.MaxRetries, "visibility_timeout_ms": 30_000,
			"retry_delay": int64(q.opts.RetryDelay / time.Second),
		},
	}
	if q.opts.DeadLetter != "" {
		consumer["dead_letter_queue"] = q.opts.DeadLetter
	}
	succeed(w, map[string]any{
		"queue_id": q.id, "queue_name": q.id, "consumers_total_count": 1, "consumers": []any{consumer},
		"producers_total_count": 1, "producers": []any{map[string]any{"type": "r2_bucket"}},
	})
}

// metrics answers what the queue holds (developers.cloudflare.com/api, Queues, Get
// Queue Metrics); an empty one has no oldest message, and answers 0.
func metrics(w http.ResponseWriter, _ *http.Request, q *Queue) {
	n, bytes, oldest := q.backlog()
	answer := map[string]any{"backlog_count": n, "backlog_bytes": bytes, "oldest_message_timestamp_ms": 0}
	if n > 0 {
		answer["oldest_message_timestamp_ms"] = oldest.UnixMilli()
	}
	succeed(w, answer)
}

func pull(w http.ResponseWriter, r *http.Request, q *Queue) {
	in := struct {
		Visibility int64 `json:"visibility_timeout_ms"`
		BatchSize  int   `json:"batch_size"`
	}{30_000, 5}
	if !read(w, r, &in) {
		return
	}
	visibility := time.Duration(in.Visibility) * time.Millisecond
	switch {
	case in.BatchSize < 1 || in.BatchSize > MaxBatch:
		fail(w, http.StatusBadRequest, 10026, fmt.Sprintf("batch_size must be between 1 and %d", MaxBatch))
		return
	case in.Visibility < 1 || in.Visibility > MaxVisibility.Milliseconds():
		fail(w, http.StatusBadRequest, 10026, fmt.Sprintf("visibility_timeout_ms must be between 1 and %d", MaxVisibility.Milliseconds()))
		return
	}
	messages, backlog := q.pull(in.BatchSize, visibility)
	succeed(w, map[string]any{"message_backlog_count": backlog, "messages": messages})
}

func settle(w http.ResponseWriter, r *http.Request, q *Queue) {
	var in struct {
		Acks []struct {
			LeaseID string `json:"lease_id"`
		} `json:"acks"`
		Retries []struct {
			LeaseID      string `json:"lease_id"`
			DelaySeconds *int64 `json:"delay_seconds"`
		} `json:"retries"`
	}
	if !read(w, r, &in) {
		return
	}
	for _, t := range in.Retries {
		if t.DelaySeconds != nil && (*t.DelaySeconds < 0 || *t.DelaySeconds > int64(MaxDelay/time.Second)) {
			fail(w, http.StatusBadRequest, 10026, fmt.Sprintf("delay_seconds must be between 0 and %d", MaxDelay/time.Second))
			return
		}
	}
	acked, retried, warnings := 0, 0, map[string]string{}
	for _, a := range in.Acks {
		if q.ack(a.LeaseID) {
			acked++
		} else {
			warnings[a.LeaseID] = "lease not found"
		}
	}
	for _, t := range in.Retries {
		delay := time.Duration(-1)
		if t.DelaySeconds != nil {
			delay = time.Duration(*t.DelaySeconds) * time.Second
		}
		if q.retry(t.LeaseID, delay) {
			retried++
		} else {
			warnings[t.LeaseID] = "lease not found"
		}
	}
	result := map[string]any{"ackCount": acked, "retryCount": retried, "warnings": []string{}}
	if len(warnings) > 0 {
		result["warnings"] = warnings // an object here, a list when empty: clients must not care
	}
	succeed(w, result)
}

func push(w http.ResponseWriter, r *http.Request, q *Queue) {
	in := struct {
		Body         json.RawMessage `json:"body"`
		ContentType  string          `json:"content_type"`
		DelaySeconds int64           `json:"delay_seconds"`
	}{ContentType: JSON}
	if !read(w, r, &in) {
		return
	}
	body := []byte(in.Body)
	switch in.ContentType {
	case JSON:
	case Text:
		var text string
		if json.Unmarshal(in.Body, &text) != nil {
			fail(w, http.StatusBadRequest, 10026, "body of content_type text must be a string")
			return
		}
		body = []byte(text)
	default:
		fail(w, http.StatusBadRequest, 10026, "content_type must be json or text")
		return
	}
	if len(in.Body) == 0 {
		fail(w, http.StatusBadRequest, 10026, "body is missing")
		return
	}
	if _, err := q.Push(body, in.ContentType, time.Duration(in.DelaySeconds)*time.Second); err != nil {
		fail(w, http.StatusBadRequest, 10026, err.Error())
		return
	}
	succeed(w, map[string]any{})
}

// read decodes the request's body, or answers that it cannot.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8<<20)).Decode(into); err != nil {
		fail(w, http.StatusBadRequest, 10002, "malformed JSON body")
		return false
	}
	return true
}

type apiError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// envelope is around every answer of the API.
type envelope struct {
	Success  bool       `json:"success"`
	Errors   []apiError `json:"errors"`
	Messages []string   `json:"messages"`
	Result   any        `json:"result"`
}

func succeed(w http.ResponseWriter, result any) {
	answer(w, http.StatusOK, envelope{Success: true, Errors: []apiError{}, Messages: []string{}, Result: result})
}

func fail(w http.ResponseWriter, status, code int, message string) {
	answer(w, status, envelope{Errors: []apiError{{code, message}}, Messages: []string{}})
}

func answer(w http.ResponseWriter, status int, e envelope) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(e) // the client is gone if this fails
}
