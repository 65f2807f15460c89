package trigger

import (
	"encoding/json"
	"strconv"
	"strings"
)

// records reads the list S3, SQS and SNS all call Records, told apart by the
// first one's eventSource. (SNS alone writes EventSource.)
func records(raw json.RawMessage, depth int) (Event, error) {
	const envelope = "AWS event"
	var list []json.RawMessage
	if err := unmarshal(envelope, raw, &list); err != nil {
		return Event{}, refuse(envelope, "Records is not a list")
	}
	if len(list) == 0 {
		return Event{}, refuse(envelope, "Records is empty")
	}
	var first struct{ EventSource string }
	if err := unmarshal(envelope, list[0], &first); err != nil {
		return Event{}, err
	}
	switch source := first.EventSource; {
	case source == "aws:sqs":
		return sqsBatch(list, depth)
	case source == "aws:sns":
		return snsInvocation(list, depth)
	case strings.HasSuffix(source, ":s3"): // aws:s3, minio:s3, ceph:s3
		return s3Event(list)
	default:
		return Event{}, refuse(envelope, "no trigger sends Records of eventSource %.64q", source)
	}
}

// sqsBatch reads what an SQS queue hands a Lambda function
// (aws-lambda-go events/sqs.go).
func sqsBatch(list []json.RawMessage, depth int) (Event, error) {
	messages := make([]message, 0, len(list))
	for _, raw := range list {
		var r struct {
			MessageID  string `json:"messageId"`
			Body       string `json:"body"`
			Attributes struct {
				ApproximateReceiveCount string
			} `json:"attributes"`
		}
		if err := unmarshal("SQS record", raw, &r); err != nil {
			return Event{}, err
		}
		attempts, err := strconv.Atoi(r.Attributes.ApproximateReceiveCount)
		if err != nil {
			attempts = 0
		}
		messages = append(messages, message{id: r.MessageID, attempts: attempts, body: []byte(r.Body)})
	}
	e, err := gather("sqs", messages, depth)
	return answerable("SQS batch", e, err)
}

// snsMessage is a notification as SNS wraps it for SQS and HTTP, and, below
// the key Sns, for Lambda (aws-lambda-go events/sns.go).
type snsMessage struct {
	Type      string
	MessageID string `json:"MessageId"`
	Message   *string
}

func snsInvocation(list []json.RawMessage, depth int) (Event, error) {
	messages := make([]message, 0, len(list))
	for _, raw := range list {
		var r struct{ Sns snsMessage }
		if err := unmarshal("SNS record", raw, &r); err != nil {
			return Event{}, err
		}
		messages = append(messages, r.Sns.unwrap())
	}
	return snsEvent(messages, depth)
}

func snsPosted(body []byte, depth int) (Event, error) {
	var m snsMessage
	if err := unmarshal("SNS message", body, &m); err != nil {
		return Event{}, err
	}
	return snsEvent([]message{m.unwrap()}, depth)
}

func snsEvent(messages []message, depth int) (Event, error) {
	e, err := readable(gather("sns", messages, depth))
	if err != nil {
		return Event{}, err
	}
	e.ID = messages[0].id
	return e, nil
}

func (m snsMessage) unwrap() message {
	out := message{id: m.MessageID}
	switch {
	case strings.HasSuffix(m.Type, "SubscriptionConfirmation"):
		// Visiting the URL in it would let any caller send us anywhere.
		out.err = refuse("SNS message", "a %s: confirm the subscription yourself, at its SubscribeURL", m.Type)
	case m.Type != "Notification":
		out.err = refuse("SNS message", "type %.64q is not understood: want Notification", m.Type)
	case m.Message == nil:
		out.err = refuse("SNS message", `the key "Message" is missing`)
	default:
		out.body = []byte(*m.Message)
	}
	return out
}
