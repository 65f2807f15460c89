package hec

import "sync/atomic"

// Stats count what a client has done since it was made.
type Stats struct {
	Requests  int64 // event requests sent
	Retries   int64 // of them, sent for events that were sent before
	Throttled int64 // answered that less is wanted (429, 503)
	RawBytes  int64 // of event requests, before compression
	WireBytes int64 // of event requests, as sent
	Events    int64 // accepted; with Ack, acknowledged
	Rejected  int64 // refused one by one
	AckPolls  int64 // requests for acknowledgements
	// PossibleRepeats bounds from above how many events the receiver may hold
	// twice: those sent again after a request whose outcome stayed unknown, or
	// which was refused for the sake of another event.
	PossibleRepeats int64
}

type counters struct {
	requests, retries, throttled, raw, wire, events, rejected, polls, repeats atomic.Int64
}

// Stats returns the counters so far.
func (c *Client) Stats() Stats {
	n := &c.n
	return Stats{
		Requests: n.requests.Load(), Retries: n.retries.Load(), Throttled: n.throttled.Load(),
		RawBytes: n.raw.Load(), WireBytes: n.wire.Load(),
		Events: n.events.Load(), Rejected: n.rejected.Load(),
		AckPolls: n.polls.Load(), PossibleRepeats: n.repeats.Load(),
	}
}
