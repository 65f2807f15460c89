package muleaudit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// order is what a trigger's message asks for: nothing (a scheduled run), or a
// backfill of [From, To).
type order struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Orgs []string  `json:"orgs"` // all that are configured, if empty
}

func (o order) backfill() bool { return !o.From.IsZero() }

// skew is how far another machine's clock may be ahead of ours.
const skew = 5 * time.Minute

// readOrder decodes the message of an event. What is wrong with it is a
// *trigger.Error.
func readOrder(ev trigger.Event, now time.Time) (o order, err error) {
	switch {
	case ev.Kind == trigger.Tick || ev.IsTick():
		return order{}, nil
	case ev.Kind != trigger.PubSub:
		return order{}, refuse("muleaudit is woken by Pub/Sub or an empty body, not by %s", ev.Kind)
	}
	dec := json.NewDecoder(bytes.NewReader(ev.Data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&o); err != nil {
		return order{}, refuse(`message: %v; want {} or {"from":"RFC 3339","to":"RFC 3339","orgs":["id"]}`, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return order{}, refuse("message: something follows the JSON object")
	}
	switch {
	case o.From.IsZero() != o.To.IsZero():
		return order{}, refuse("message: a backfill needs both from and to")
	case o.From.IsZero() && len(o.Orgs) > 0:
		return order{}, refuse("message: orgs goes with from and to")
	case o.From.IsZero():
		return order{}, nil
	case !o.From.Before(o.To):
		return order{}, refuse("message: from %s is not before to %s", o.From.Format(time.RFC3339), o.To.Format(time.RFC3339))
	case o.To.After(now.Add(skew)):
		return order{}, refuse("message: to %s is in the future", o.To.Format(time.RFC3339))
	}
	// The API counts in milliseconds: take in every one that is touched.
	o.From = o.From.UTC().Truncate(time.Millisecond)
	o.To = earliest(o.To, now).UTC().Add(time.Millisecond - 1).Truncate(time.Millisecond)
	return o, nil
}

func refuse(format string, args ...any) error {
	return retry.Permanent(&trigger.Error{Envelope: "muleaudit", Reason: fmt.Sprintf(format, args...), Status: http.StatusBadRequest})
}
