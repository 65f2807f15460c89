package muleaudit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// order is what a trigger's message asks for: nothing (a scheduled run), or a
// backfill of [From, To).
type request struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Orgs []string  `json:"orgs,omitempty"` // all that are configured, if empty
}

func (o request) backfill() bool { return !o.From.IsZero() }

// skew is how far another machine's clock may be ahead of ours.
const skew = 5 * time.Minute

// readRequest decodes the message of an event. What is wrong with it is a
// *trigger.Error.
func readRequest(ev trigger.Event, now time.Time) (o request, err error) {
	switch {
	case ev.IsTick():
		return request{}, nil
	case ev.Kind != trigger.PubSub && ev.Kind != trigger.Message:
		return request{}, refuse("muleaudit is woken by Pub/Sub, a backfill's message or an empty body, not by %s", ev.Kind)
	}
	var given map[string]json.RawMessage // by their exact names, unlike the fields of a struct
	if err := json.Unmarshal(ev.Data, &given); err != nil || given == nil {
		return request{}, refuse("message: not a JSON object; want %s", wanted)
	}
	for name, into := range map[string]any{"from": &o.From, "to": &o.To, "orgs": &o.Orgs} {
		value, ok := given[name]
		if ok && json.Unmarshal(value, into) != nil {
			return request{}, refuse("message: %s cannot be read; want %s", name, wanted)
		}
		delete(given, name)
	}
	for name := range given {
		return request{}, refuse("message: unknown key %.64q; want %s", name, wanted)
	}
	switch {
	case o.From.IsZero() || o.To.IsZero():
		return request{}, refuse("message: a backfill needs both from and to")
	case !o.From.Before(o.To):
		return request{}, refuse("message: from %s is not before to %s", o.From.Format(time.RFC3339), o.To.Format(time.RFC3339))
	case o.To.After(now.Add(skew)):
		return request{}, refuse("message: to %s is in the future", o.To.Format(time.RFC3339))
	}
	// The API counts in milliseconds: take in every one that is touched.
	o.From = o.From.UTC().Truncate(time.Millisecond)
	o.To = earliest(o.To, now).UTC().Add(time.Millisecond - 1).Truncate(time.Millisecond)
	return o, nil
}

// wanted is what a message can be.
const wanted = `{} or {"from":"RFC 3339","to":"RFC 3339","orgs":["id"]}`

func refuse(format string, args ...any) error {
	return retry.Permanent(&trigger.Error{Envelope: "muleaudit", Reason: fmt.Sprintf(format, args...), Status: http.StatusBadRequest})
}
