package hec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
)

// Event is one accepted event as the server understood it.
type Event struct {
	// ID is the text of the IDField among Fields; empty if it has none.
	ID string
	// Time is the number as it was written; empty if the event has none.
	Time                            string
	Host, Source, Sourcetype, Index string
	// Event is the payload, as JSON.
	Event json.RawMessage
	// Fields are the indexed fields, each a scalar or a list of scalars.
	Fields map[string]json.RawMessage
	// Raw is the whole object as received.
	Raw []byte
}

// envelope is what the event endpoint expects. Unknown keys are ignored.
type envelope struct {
	Time       json.RawMessage `json:"time"`
	Host       *string         `json:"host"`
	Source     *string         `json:"source"`
	Sourcetype *string         `json:"sourcetype"`
	Index      *string         `json:"index"`
	Event      json.RawMessage `json:"event"`
	Fields     json.RawMessage `json:"fields"`
}

// parse reads a body of concatenated objects. With a code other than 0 the
// events are those before the one refused.
func (o *Options) parse(body []byte, token Token) (events []Event, code int) {
	dec := json.NewDecoder(bytes.NewReader(body))
	for {
		start := dec.InputOffset()
		var env envelope
		if err := dec.Decode(&env); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return events, 6 // an array, a bare value, a wrong type or broken text
		}
		raw := bytes.TrimSpace(body[start:dec.InputOffset()])
		if raw[0] != '{' || len(raw) > o.MaxEventBytes {
			return events, 6
		}
		ev, code := o.event(env, raw, token)
		if code != 0 {
			return events, code
		}
		events = append(events, ev)
	}
	if len(events) == 0 {
		return nil, 5
	}
	return events, 0
}

func (o *Options) event(env envelope, raw []byte, token Token) (Event, int) {
	ev := Event{
		Host: text(env.Host), Source: text(env.Source), Sourcetype: text(env.Sourcetype), Index: text(env.Index),
		Event: env.Event, Raw: raw,
	}
	if code := checkPayload(env.Event); code != 0 {
		return ev, code
	}
	var ok bool
	if ev.Time, ok = timeText(env.Time); !ok {
		return ev, 6
	}
	if ev.Fields, ok = flatFields(env.Fields); !ok {
		return ev, 15
	}
	if ev.Index != "" && len(token.Indexes) > 0 && !slices.Contains(token.Indexes, ev.Index) {
		return ev, 7
	}
	if id, ok := ev.Fields[o.IDField]; ok && json.Unmarshal(id, &ev.ID) != nil {
		ev.ID = string(id) // a number identifies as well as a string
	}
	if o.Refuse != nil {
		return ev, o.Refuse(ev)
	}
	return ev, 0
}

// checkPayload wants a string, number or object that is not empty.
func checkPayload(event json.RawMessage) int {
	switch {
	case len(event) == 0 || event[0] == 'n':
		return 12
	case event[0] == '"':
		if len(event) == 2 {
			return 13
		}
	case event[0] == '{':
		if len(bytes.TrimSpace(event[1:len(event)-1])) == 0 {
			return 13
		}
	case event[0] == '-' || event[0] >= '0' && event[0] <= '9':
	default:
		return 6
	}
	return 0
}

// timeText accepts a number, or a string holding one.
func timeText(v json.RawMessage) (string, bool) {
	if len(v) == 0 || v[0] == 'n' {
		return "", true
	}
	s := string(v)
	if v[0] == '"' && json.Unmarshal(v, &s) != nil {
		return "", false
	}
	_, err := strconv.ParseFloat(s, 64)
	return s, err == nil
}

// flatFields wants an object whose values are scalars or lists of scalars.
func flatFields(v json.RawMessage) (map[string]json.RawMessage, bool) {
	if len(v) == 0 || v[0] == 'n' {
		return nil, true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(v, &fields) != nil {
		return nil, false
	}
	for _, f := range fields {
		if f[0] == '{' {
			return nil, false
		}
		var list []json.RawMessage
		if f[0] == '[' && json.Unmarshal(f, &list) != nil {
			return nil, false
		}
		for _, e := range list {
			if e[0] == '{' || e[0] == '[' {
				return nil, false
			}
		}
	}
	return fields, true
}

// lines reads a raw body: each line that is not blank is an event.
func (o *Options) lines(body []byte, meta Event) ([]Event, int) {
	var events []Event
	for line := range bytes.Lines(body) {
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			continue
		}
		if len(line) > o.MaxEventBytes {
			return events, 6
		}
		ev := meta
		ev.Raw = line
		ev.Event, _ = json.Marshal(string(line)) // a string always marshals
		events = append(events, ev)
	}
	if len(events) == 0 {
		return nil, 5
	}
	return events, 0
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
