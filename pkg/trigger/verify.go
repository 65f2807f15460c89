package trigger

import (
	"encoding/json"
	"time"
)

// Span is the time that a verification is asked for, [From, To). A bound that
// is zero was not given.
type Span struct{ From, To time.Time }

// verification reads {"verify":{}} or {"verify":{"from":…,"to":…}}, with times
// in RFC 3339.
func verification(obj object) (Event, error) {
	const envelope = "verify"
	if len(obj) > 1 {
		return Event{}, refuse(envelope, "stands alone, not among %s", obj.describe())
	}
	var asked object
	if err := unmarshal(envelope, obj["verify"], &asked); err != nil {
		return Event{}, err
	}
	if asked == nil { // the JSON value null
		return Event{}, refuse(envelope, "want a JSON object, not null")
	}
	var s Span
	known := 0
	for name, into := range map[string]*time.Time{"from": &s.From, "to": &s.To} {
		if !asked.has(name) {
			continue
		}
		known++
		if err := json.Unmarshal(asked[name], into); err != nil || into.IsZero() {
			return Event{}, refuse(envelope, "%s is not a time as of RFC 3339, such as 2026-01-02T15:04:05Z", name)
		}
	}
	if known < len(asked) {
		return Event{}, refuse(envelope, "takes from and to, not %s", asked.describe())
	}
	if !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To) {
		return Event{}, refuse(envelope, "from is not before to")
	}
	return Event{Kind: Verify, Path: "verify", Span: &s}, nil
}

// within is the verification that the message e asks for.
func within(e Event, obj object) (Event, error) {
	v, err := verification(obj)
	if err != nil {
		return Event{}, err
	}
	v.ID, v.Path = e.ID, e.Path+" > "+v.Path
	return v, nil
}

// timer reads the event of a Function Compute timer (alibabacloud.com/help/en/
// functioncompute, "Time triggers"). Its payload is free text: what is no
// verification says nothing.
func timer(obj object) (Event, error) {
	e := Event{Kind: Tick, Path: "timer"}
	var payload string
	_ = json.Unmarshal(obj["payload"], &payload) // what is no text asks for nothing
	if asked, err := parseObject([]byte(payload)); err == nil && asked.has("verify") {
		return within(e, asked)
	}
	return e, nil
}
