package cfqueue

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Message is one message under a lease.
type Message struct {
	ID string
	// LeaseID is what it is acknowledged or returned by.
	LeaseID string
	// Time is when it was sent to the queue.
	Time time.Time
	// Attempts is how often it was delivered, this time included.
	Attempts int
	// ContentType is json, text, bytes or v8; empty if the API did not tell.
	ContentType string
	// Body is the content, decoded; with Err, what the API gave in its stead.
	Body []byte
	// Err is set when the content cannot be decoded. It is permanent.
	Err error
}

// pulled is a message as the API gives it. Its SDK declares each number a
// float64 and the metadata as of any type.
type pulled struct {
	ID          string          `json:"id"`
	TimestampMS float64         `json:"timestamp_ms"`
	Attempts    float64         `json:"attempts"`
	LeaseID     string          `json:"lease_id"`
	Body        json.RawMessage `json:"body"`
	Metadata    json.RawMessage `json:"metadata"`
}

func (p pulled) decode() Message {
	m := Message{
		ID: p.ID, LeaseID: p.LeaseID, Attempts: int(p.Attempts),
		Time:        time.UnixMilli(int64(p.TimestampMS)).UTC(),
		ContentType: contentType(p.Metadata),
	}
	var text string
	if json.Unmarshal(p.Body, &text) != nil {
		m.Body = p.Body // not a string: JSON as it is
		return m
	}
	body, err := decodeBody(m.ContentType, text)
	if err != nil {
		m.Body, m.Err = []byte(text), retry.Permanent(fmt.Errorf("message %s: %w", m.ID, err))
		return m
	}
	m.Body = body
	return m
}

// contentType finds CF-Content-Type among the metadata, in any letter case.
func contentType(metadata json.RawMessage) string {
	var fields map[string]any
	if json.Unmarshal(metadata, &fields) != nil {
		return ""
	}
	for k, v := range fields {
		if s, ok := v.(string); ok && strings.EqualFold(k, "CF-Content-Type") {
			return strings.ToLower(s)
		}
	}
	return ""
}

// decodeBody undoes the API's encoding: json and bytes come as base64, text as
// it is. A type that is not told is guessed, JSON before base64, since only a
// bare number or word could be both.
func decodeBody(contentType, body string) ([]byte, error) {
	switch contentType {
	case "text":
		return []byte(body), nil
	case "v8":
		return nil, errors.New("content type v8 can only be read inside a Worker: let the producer send json")
	case "json", "bytes":
		decoded, err := base64.StdEncoding.DecodeString(body)
		switch {
		case err == nil:
			return decoded, nil
		case contentType == "json" && json.Valid([]byte(body)):
			return []byte(body), nil
		}
		return nil, fmt.Errorf("content type %s, and the body is not base64", contentType)
	}
	if json.Valid([]byte(body)) {
		return []byte(body), nil
	}
	if decoded, err := base64.StdEncoding.DecodeString(body); err == nil {
		return decoded, nil
	}
	return []byte(body), nil
}
