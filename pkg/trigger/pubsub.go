package trigger

import (
	"bytes"
	"cmp"
	"time"
)

// typePubSub is the CloudEvent type Eventarc gives a Pub/Sub message
// (googleapis/google-cloudevents, proto/google/events/cloud/pubsub/v1).
const typePubSub = "google.cloud.pubsub.topic.v1.messagePublished"

// pushBody is what Pub/Sub posts, inside a CloudEvent and as a plain push
// alike (docs.cloud.google.com/pubsub/docs/push). It states some fields twice,
// in camel and in snake case.
type pushBody struct {
	Subscription string `json:"subscription"`
	Message      *struct {
		Data           []byte            `json:"data"`
		Attributes     map[string]string `json:"attributes"`
		MessageID      string            `json:"messageId"`
		MessageIDSnake string            `json:"message_id"`
		Published      string            `json:"publishTime"`
		PublishedSnake string            `json:"publish_time"`
	} `json:"message"`
}

func pubSubMessage(body []byte) (Event, error) {
	var push pushBody
	if err := unmarshal("Pub/Sub message", body, &push); err != nil {
		return Event{}, err
	}
	m := push.Message
	if m == nil {
		return Event{}, refuse("Pub/Sub message", `the key "message" is missing`)
	}
	e := Event{Kind: PubSub, Path: "pubsub", ID: m.MessageID, Data: m.Data, Attributes: m.Attributes}
	if e.ID == "" {
		e.ID = m.MessageIDSnake
	}
	// What is no time tells nothing; no message is refused for it.
	e.Published, _ = time.Parse(time.RFC3339, cmp.Or(m.Published, m.PublishedSnake))
	if len(bytes.TrimSpace(e.Data)) == 0 {
		e.Data = []byte("{}") // a message may have attributes only
	}
	if isGCSNotification(e.Attributes) {
		return gcsNotification(e)
	}
	if obj, err := parseObject(e.Data); err == nil && obj.has("verify") {
		return within(e, obj)
	}
	return e, nil
}

// plainPush reads a push that came without CloudEvent headers. Only its shape
// says what it is, so it must show more than a key "message".
func plainPush(body []byte) (Event, error) {
	var shape struct {
		Subscription *string `json:"subscription"`
		Message      object  `json:"message"`
	}
	if err := unmarshal("Pub/Sub push", body, &shape); err != nil {
		return Event{}, err
	}
	if shape.Subscription == nil {
		m := shape.Message
		if !m.has("data") && !m.has("attributes") && !m.has("messageId") && !m.has("message_id") {
			return Event{}, refuse("Pub/Sub push", "names no subscription and its message has no data, attributes or messageId")
		}
	}
	return pubSubMessage(body)
}
