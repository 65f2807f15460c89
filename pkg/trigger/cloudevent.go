package trigger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
)

// The content modes of a CloudEvent over HTTP (CloudEvents HTTP binding 1.0
// §3). Any other value is a media type that is not understood.
const (
	notCloudEvent  = ""
	binaryMode     = "binary"
	structuredMode = "structured"
)

// cloudEventMode is wider than the SDK's idea of the modes: what has any of the
// required attributes was meant as a CloudEvent, and is told what it lacks.
func cloudEventMode(h http.Header) string {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case media == event.ApplicationCloudEventsJSON || media == "application/cloudevents":
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

func binaryCloudEvent(h http.Header, body []byte) (Event, error) {
	if err := understood(h.Get("Ce-Specversion")); err != nil {
		return Event{}, err
	}
	m := cehttp.NewMessage(h, io.NopCloser(bytes.NewReader(body)))
	ce, err := binding.ToEvent(context.Background(), m)
	if err != nil {
		return Event{}, notOfTheSpec(err)
	}
	return cloudEvent(*ce)
}

func structuredCloudEvent(body []byte) (Event, error) {
	// The SDK's own errors quote what they cannot read.
	obj, err := parseObject(body)
	if err != nil {
		return Event{}, err
	}
	var version string
	_ = json.Unmarshal(obj["specversion"], &version) // what is no text is not understood
	if err := understood(version); err != nil {
		return Event{}, err
	}
	if obj.has("data", "data_base64") {
		return Event{}, refuse("CloudEvent", "has both data and data_base64")
	}
	var ce event.Event
	if err := ce.UnmarshalJSON(body); err != nil {
		return Event{}, notOfTheSpec(err)
	}
	return cloudEvent(ce)
}

// understood refuses versions of the specification other than the one that
// triggers send.
func understood(version string) error {
	switch version {
	case event.CloudEventsVersionV1:
		return nil
	case "":
		return refuse("CloudEvent", `attribute "specversion" is missing`)
	}
	return refuse("CloudEvent", "specversion %.16q is not understood: want 1.0", version)
}

// notOfTheSpec refuses a CloudEvent that the SDK does. It names the attributes
// at fault, and shows no value.
func notOfTheSpec(err error) error {
	var faults event.ValidationError
	if !errors.As(err, &faults) {
		return refuse("CloudEvent", "is not as of the specification: an attribute has an illegal name or value, or data does not go with datacontenttype")
	}
	names := slices.Sorted(maps.Keys(faults))
	return refuse("CloudEvent", "attribute %q is missing or not as of the specification", names[0])
}

// cloudEvent opens the envelope that a trigger's event lies in.
func cloudEvent(ce event.Event) (Event, error) {
	for _, attr := range []struct{ name, value string }{{"type", ce.Type()}, {"source", ce.Source()}, {"id", ce.ID()}} {
		if attr.value == "" {
			return Event{}, refuse("CloudEvent", "attribute %q is missing", attr.name)
		}
	}
	if err := ce.Validate(); err != nil {
		return Event{}, notOfTheSpec(err)
	}
	data := ce.Data()
	if len(bytes.TrimSpace(data)) == 0 {
		return Event{}, refuse("CloudEvent", "has no data")
	}
	var e Event
	var err error
	switch change, isGCS := strings.CutPrefix(ce.Type(), typeGCS); {
	case ce.Type() == typePubSub:
		e, err = pubSubMessage(data)
	case isGCS:
		e, err = gcsEvent(change, data)
	default:
		return Event{}, refuse("CloudEvent", "no trigger sends type %.100q", ce.Type())
	}
	if err != nil {
		return Event{}, err
	}
	e.ID = ce.ID()
	e.Path = "cloudevent > " + e.Path
	return e, nil
}
