package trigger

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"
)

// DefaultMaxBody is a body limit that fits the largest event any trigger
// sends: a Pub/Sub message of 10 MB in base64, or a hundred 128 KB messages of
// a pushed queue batch.
const DefaultMaxBody = 16 << 20

// Kind says what an [Event] asks for.
type Kind string

// The kinds of event.
const (
	// Tick asks for a run and says nothing else.
	Tick Kind = "tick"
	// PubSub is a Pub/Sub message: see Data and Attributes.
	PubSub Kind = "pubsub"
	// Message is the message of a backfill, posted without Pub/Sub around it:
	// see Data.
	Message Kind = "message"
	// Objects tells of objects in a bucket: see Notices.
	Objects Kind = "objects"
	// Logs asks for a range of one SLS shard: see Range.
	Logs Kind = "logs"
	// Verify asks for a verification of what was done: see Span.
	Verify Kind = "verify"
)

// Event is one decoded trigger.
type Event struct {
	Kind Kind
	// Path names the envelopes that were opened, outermost first, for logs:
	// "sqs > sns > s3".
	Path string
	// ID is the sender's identifier of this delivery, empty if it has none.
	// The same event delivered again has the same ID.
	ID string
	// Data is what a Pub/Sub message carries, decoded; a message without data
	// reads as {}, and it need not be JSON. Of kind Message it is the body, a
	// JSON object with a key "from".
	Data []byte
	// Attributes are those of a Pub/Sub message.
	Attributes map[string]string
	// Published is when a Pub/Sub message was first handed to Pub/Sub, however
	// often it was delivered since; zero where it does not say.
	Published time.Time
	// Notices is what an event of kind Objects tells, at least one.
	Notices []Notice
	// PerMessage is set when the sender wants an answer for each message (SQS
	// to Lambda, a pushed queue batch): see [Answer]. Every message then has
	// at least one notice that bears its MessageID, and may have several.
	PerMessage bool
	// Range is what an event of kind Logs asks for.
	Range *LogRange
	// Span is what an event of kind Verify asks for.
	Span *Span
}

// IsTick tells whether e asks for a plain run: a [Tick], or a Pub/Sub message
// holding an empty JSON object, which is what Cloud Scheduler sends.
func (e Event) IsTick() bool {
	if e.Kind != PubSub {
		return e.Kind == Tick
	}
	obj, err := parseObject(e.Data)
	return err == nil && len(obj) == 0
}

// FromHTTP reads the event in r: a CloudEvent if its headers say so, else a
// body as for [FromBytes]. The body may have up to maxBody bytes; 0 means
// [DefaultMaxBody]. An event no trigger sends is an [*Error], permanent; any
// other error means the body could not be read.
func FromHTTP(r *http.Request, maxBody int64) (Event, error) {
	if maxBody <= 0 {
		maxBody = DefaultMaxBody
	}
	body, err := readBody(r, maxBody)
	if err != nil {
		return Event{}, err
	}
	switch mode := cloudEventMode(r.Header); mode {
	case notCloudEvent:
		return FromBytes(body)
	case binaryMode:
		return binaryCloudEvent(r.Header, body)
	case structuredMode:
		return structuredCloudEvent(body)
	default:
		return Event{}, refuse("CloudEvent", "content mode %q is not understood: send one event, binary or structured JSON", mode)
	}
}

func readBody(r *http.Request, most int64) ([]byte, error) {
	if r.Body == nil { // a request built by hand, not received
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("read the request body: %w", err)
	}
	if int64(len(body)) > most {
		return nil, tooLarge(most)
	}
	return body, nil
}

// FromBytes decodes a payload that came without headers. Its error is an
// [*Error], permanent.
func FromBytes(body []byte) (Event, error) {
	return open(body, 0)
}

// maxDepth is how many envelopes may lie around a notice. S3 through SNS
// through SQS makes two.
const maxDepth = 4

// open tells by its shape what body is. depth counts the envelopes around it.
func open(body []byte, depth int) (Event, error) {
	if depth > maxDepth {
		return Event{}, refuse("event", "envelopes nested more than %d deep", maxDepth)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return Event{Kind: Tick, Path: "empty"}, nil
	}
	obj, err := parseObject(body)
	if err != nil {
		return Event{}, err
	}
	switch {
	case len(obj) == 0:
		return Event{Kind: Tick, Path: "empty"}, nil
	case obj.has("specversion"):
		return structuredCloudEvent(body)
	case obj.has("verify"):
		return verification(obj)
	case obj.has("from"):
		return Event{Kind: Message, Path: "message", Data: body}, nil
	case obj.has("message"):
		return plainPush(body)
	case obj.has("Records"):
		return records(obj["Records"], depth)
	case obj.has("Type", "MessageId"):
		return snsPosted(body, depth)
	case obj.has("Service", "Event", "Bucket"):
		return s3TestEvent(body)
	case obj.has("detail-type", "detail"):
		return eventBridge(body)
	case obj.has("action", "bucket", "object"):
		return r2Message(body)
	case obj.has("messages"):
		return pushedBatch(body, depth)
	case obj.has("source", "cursorTime"):
		return slsTrigger(body)
	case obj.has("triggerName", "triggerTime"):
		return timer(obj)
	}
	return Event{}, refuse("", "no trigger sends a JSON object with %s", obj.describe())
}
