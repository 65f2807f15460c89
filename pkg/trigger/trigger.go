package trigger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
)

// Event is one decoded trigger.
type Event struct {
	Kind Kind
	// Path names the envelopes that were opened, outermost first, for logs:
	// "cloudevent > pubsub".
	Path string
	// ID is the sender's identifier of this delivery, empty if it has none.
	// The same event delivered again has the same ID.
	ID string
	// Data is what a Pub/Sub message carries, decoded; a message without data
	// reads as {}. It need not be JSON.
	Data []byte
	// Attributes are those of a Pub/Sub message.
	Attributes map[string]string
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
	case obj.has("message"):
		return plainPush(body)
	}
	return Event{}, refuse("", "no trigger sends a JSON object with %s", obj.describe())
}

// object is a JSON object by its exact keys; encoding/json's structs would
// take a key in any letter case.
type object map[string]json.RawMessage

func parseObject(body []byte) (object, error) {
	var obj object
	if err := unmarshal("event", body, &obj); err != nil {
		return nil, err
	}
	if obj == nil { // the JSON value null
		return nil, refuse("event", "want a JSON object, not null")
	}
	return obj, nil
}

func (o object) has(keys ...string) bool {
	for _, k := range keys {
		if _, ok := o[k]; !ok {
			return false
		}
	}
	return true
}

// unmarshal decodes JSON of the named envelope, refusing what does not fit.
// The message tells where, not what: a body may hold what no log should.
func unmarshal(envelope string, data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var base64Err base64.CorruptInputError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return refuse(envelope, "broken JSON at byte %d of %d", syntax.Offset, len(data))
	case errors.As(err, &base64Err):
		return refuse(envelope, "data is not base64 from its byte %d on", int64(base64Err))
	case errors.As(err, &kind) && kind.Field == "":
		return refuse(envelope, "want a JSON object, not %s", article(kind.Value))
	case errors.As(err, &kind):
		return refuse(envelope, "%s cannot be %s", kind.Field, article(kind.Value))
	}
	return refuse(envelope, "unreadable JSON")
}
