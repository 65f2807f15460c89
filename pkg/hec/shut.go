package hec

import (
	"context"
	"fmt"
	"net/http"
)

// Something on the way may shut its door to everything for a while: a firewall that
// has enough of this address, a proxy whose login has expired. What it answers looks
// like the refusal of a body, and a session that has seen events taken would believe
// that of each. So where neither Splunk's code nor its text shows that the body was
// read, one without events is sent behind it: Splunk says of it that there is no
// data (code 5), and a firewall that looks into bodies has nothing to see.

// doors are the statuses by which a door is shut.
var doors = map[int]bool{http.StatusForbidden: true, http.StatusNotAcceptable: true}

// shut tells whether e refuses everything now, by a refusal of what was taken
// there before in this session. It returns why, as an error that will pass.
func (d *delivery) shut(ctx context.Context, e *endpoint, a *answer) error {
	if a.verdict != refused || a.code >= 0 || !doors[a.status] || !d.session.of(e).taken {
		return nil
	}
	empty, _, err := d.c.post(ctx, e, e.acks.mark().channel, pathEvent, nil, false)
	if err != nil || empty.code >= 0 || empty.status != a.status {
		return nil //nolint:nilerr // whatever that is, it is not the same door
	}
	a.verdict = transient
	return fmt.Errorf("%w: it answers the same to a request without events, and took others before", &Error{Endpoint: e.url, Status: a.status, Code: a.code, Text: a.text})
}
