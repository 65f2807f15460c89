package trigger

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
)

// The content modes of a CloudEvent over HTTP (CloudEvents HTTP binding 1.0
// §3). Any other value is a media type that is not understood.
const (
	notCloudEvent  = ""
	binaryMode     = "binary"
	structuredMode = "structured"
)

func cloudEventMode(h http.Header) string {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case media == "application/cloudevents+json" || media == "application/cloudevents":
		return structuredMode
	case strings.HasPrefix(media, "application/cloudevents"):
		return media // a batch, or a format other than JSON
	}
	for _, attr := range []string{"Ce-Type", "Ce-Specversion", "Ce-Id", "Ce-Source"} {
		if h.Get(attr) != "" {
			return binaryMode
		}
	}
	return notCloudEvent
}

// cloudEvent has the attributes every CloudEvent must have, and the data of a
// structured one (CloudEvents 1.0 §3.1, JSON format 1.0 §3.1).
type cloudEvent struct {
	SpecVersion string          `json:"specversion"`
	Type        string          `json:"type"`
	Source      string          `json:"source"`
	ID          string          `json:"id"`
	Data        json.RawMessage `json:"data"`
	DataBase64  []byte          `json:"data_base64"`
}

func binaryCloudEvent(h http.Header, body []byte) (Event, error) {
	return cloudEvent{
		SpecVersion: h.Get("Ce-Specversion"),
		Type:        h.Get("Ce-Type"),
		Source:      h.Get("Ce-Source"),
		ID:          h.Get("Ce-Id"),
		Data:        body,
	}.decode()
}

func structuredCloudEvent(body []byte) (Event, error) {
	var ce cloudEvent
	if err := unmarshal("CloudEvent", body, &ce); err != nil {
		return Event{}, err
	}
	if ce.DataBase64 != nil {
		if ce.Data != nil {
			return Event{}, refuse("CloudEvent", "has both data and data_base64")
		}
		ce.Data = ce.DataBase64
	}
	return ce.decode()
}

func (ce cloudEvent) decode() (Event, error) {
	for _, attr := range []struct{ name, value string }{
		{"specversion", ce.SpecVersion}, {"type", ce.Type}, {"source", ce.Source}, {"id", ce.ID},
	} {
		if attr.value == "" {
			return Event{}, refuse("CloudEvent", "attribute %q is missing", attr.name)
		}
	}
	if !strings.HasPrefix(ce.SpecVersion, "1.") {
		return Event{}, refuse("CloudEvent", "specversion %.16q is not understood: want 1.0", ce.SpecVersion)
	}
	if len(bytes.TrimSpace(ce.Data)) == 0 {
		return Event{}, refuse("CloudEvent", "has no data")
	}
	var e Event
	var err error
	switch change, isGCS := strings.CutPrefix(ce.Type, typeGCS); {
	case ce.Type == typePubSub:
		e, err = pubSubMessage(ce.Data)
	case isGCS:
		e, err = gcsEvent(change, ce.Data)
	default:
		return Event{}, refuse("CloudEvent", "no trigger sends type %.100q", ce.Type)
	}
	if err != nil {
		return Event{}, err
	}
	e.ID = ce.ID
	e.Path = "cloudevent > " + e.Path
	return e, nil
}
