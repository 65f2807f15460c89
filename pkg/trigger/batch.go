package trigger

// message is one element of an envelope that holds several.
type message struct {
	id       string
	attempts int
	body     []byte
	err      error // why there is no body
}

// FromMessage decodes a message that was pulled from a queue. There is always
// at least one notice, with its Err if the message is no notice about objects.
func FromMessage(id string, attempts int, body []byte) []Notice {
	notices, _ := message{id: id, attempts: attempts, body: body}.open(0)
	return notices
}

// gather opens each message of an envelope. One that cannot be read becomes a
// notice with its Err, so that its neighbours are not held up.
func gather(envelope string, messages []message, depth int) (Event, error) {
	if len(messages) == 0 {
		return Event{}, refuse(envelope, "holds no message")
	}
	e := Event{Kind: Objects, Path: envelope}
	for _, m := range messages {
		notices, path := m.open(depth + 1)
		if e.Path == envelope && path != "" {
			e.Path += " > " + path
		}
		e.Notices = append(e.Notices, notices...)
	}
	return e, nil
}

// open returns the notices in m, and the path of envelopes they lay in, empty
// if m cannot be read.
func (m message) open(depth int) ([]Notice, string) {
	e, err := Event{}, m.err
	if err == nil {
		e, err = open(m.body, depth)
	}
	if err == nil && e.Kind != Objects {
		err = refuse("message", "a %s where a notice about an object should be", e.Kind)
	}
	if err != nil {
		e = Event{Notices: []Notice{{Raw: m.body, Err: err}}}
	}
	for i := range e.Notices {
		e.Notices[i].MessageID, e.Notices[i].Attempts = m.id, m.attempts
	}
	return e.Notices, e.Path
}

// answerable marks e as one whose sender wants an answer for each message.
func answerable(envelope string, e Event, err error) (Event, error) {
	if err != nil {
		return Event{}, err
	}
	for _, n := range e.Notices {
		if n.MessageID == "" {
			return Event{}, refuse(envelope, "a message has no id to answer it by")
		}
	}
	e.PerMessage = true
	return e, nil
}

// readable returns e, or the first failure when no notice in it can be read:
// what holds nothing readable is not the envelope it seemed to be.
func readable(e Event, err error) (Event, error) {
	if err != nil {
		return Event{}, err
	}
	for _, n := range e.Notices {
		if n.Err == nil {
			return e, nil
		}
	}
	return Event{}, e.Notices[0].Err
}

// Answer names the messages of a batch that are to be delivered again; the
// others are done. It is the partial batch response of AWS Lambda
// (docs.aws.amazon.com/lambda, "Using Lambda with Amazon SQS"), which the
// pushing Worker of gunzipcsv reads too. An answer of no failures must say so
// with an empty list, hence no omitempty.
type Answer struct {
	BatchItemFailures []Failure `json:"batchItemFailures"`
}

// PerMessage makes whatever embeds *Answer, such as a receipt, tell it; nil if
// there is none.
func (a *Answer) PerMessage() *Answer { return a }

// Failure names one message by its [Notice] MessageID.
type Failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
	// DelaySeconds asks the pushing Worker to hold the message back; Lambda
	// has no such thing, so leave it 0 there.
	DelaySeconds int `json:"delaySeconds,omitempty"`
}
