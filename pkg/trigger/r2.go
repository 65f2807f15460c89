package trigger

import "encoding/json"

// r2Actions are those of an R2 event notification, and whether each leaves
// something to read (developers.cloudflare.com/r2/buckets/event-notifications).
var r2Actions = map[string]bool{
	"PutObject":               true,
	"CopyObject":              true,
	"CompleteMultipartUpload": true,
	"DeleteObject":            false,
	"LifecycleDeletion":       false,
}

func r2Message(body []byte) (Event, error) {
	const envelope = "R2 message"
	var m struct {
		Action string `json:"action"`
		Bucket string `json:"bucket"`
		Object struct {
			Key  string `json:"key"`
			Size *int64 `json:"size"`
			ETag string `json:"eTag"`
		} `json:"object"`
		EventTime string `json:"eventTime"`
	}
	if err := unmarshal(envelope, body, &m); err != nil {
		return Event{}, err
	}
	created, known := r2Actions[m.Action]
	if !known {
		// It may be one that creates objects: filtering it could lose them.
		return Event{}, refuse(envelope, "action %.64q is not understood", m.Action)
	}
	n, err := Notice{
		Source:  R2,
		Bucket:  m.Bucket,
		Key:     m.Object.Key,
		Size:    optionalSize(m.Object.Size),
		ETag:    m.Object.ETag,
		Action:  m.Action,
		Created: created,
		Time:    optionalTime(m.EventTime),
	}.checked(envelope)
	return single("r2", "", n, err)
}

// pushedBatch reads what the Worker in functions/gunzipcsv/worker posts: a
// batch of a Cloudflare queue. A message has one of body (its JSON value, or
// its text), body_base64 (its bytes) and error (why neither can be given).
func pushedBatch(body []byte, depth int) (Event, error) {
	const envelope = "pushed batch"
	var batch struct {
		Queue    string `json:"queue"`
		Messages []struct {
			ID         string          `json:"id"`
			Attempts   int             `json:"attempts"`
			Body       json.RawMessage `json:"body"`
			BodyBase64 []byte          `json:"body_base64"`
			Error      string          `json:"error"`
		} `json:"messages"`
	}
	if err := unmarshal(envelope, body, &batch); err != nil {
		return Event{}, err
	}
	if batch.Queue == "" {
		return Event{}, refuse(envelope, "names no queue")
	}
	messages := make([]message, 0, len(batch.Messages))
	for _, b := range batch.Messages {
		m := message{id: b.ID, attempts: b.Attempts, body: b.Body}
		var text string
		switch {
		case b.Error != "":
			m.err = refuse("pushed message", "the Worker could not read it: %.200s", b.Error)
		case b.BodyBase64 != nil:
			m.body = b.BodyBase64
		case json.Unmarshal(b.Body, &text) == nil:
			m.body = []byte(text) // JSON sent to the queue as text
		}
		messages = append(messages, m)
	}
	e, err := gather("queue", messages, depth)
	return answerable(envelope, e, err)
}
