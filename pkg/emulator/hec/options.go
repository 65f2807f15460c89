package hec

import (
	"slices"
	"time"
)

// Token is one HEC token of the server.
type Token struct {
	Value    string
	Disabled bool
	// Indexes the token may write to; empty means any.
	Indexes []string
	// UseACK turns on indexer acknowledgement: a channel is required and every
	// accepted request gets an ackId.
	UseACK bool
}

// Gzip is what a receiver makes of a body with Content-Encoding: gzip.
type Gzip int

// What becomes of packed bodies.
const (
	// TakesGzip unpacks it, as Splunk does.
	TakesGzip Gzip = iota
	// RefusesGzip answers 415 (RFC 7694, section 3).
	RefusesGzip
	// LosesEncoding drops the header on the way, so that HEC gets the packed
	// bytes as if they were text (inferred).
	LosesEncoding
)

// Options shape a [Server]. The zero value of each means Splunk's default.
type Options struct {
	// Tokens known to the server. With none, every request is answered code 4.
	Tokens []Token
	// QueryToken allows ?token=; otherwise it is answered code 16.
	QueryToken bool

	// MaxContentLength in bytes, of the body as sent and as unpacked; a longer
	// one is answered 413 in HTML. Default 838860800 (limits.conf [http_input]).
	MaxContentLength int64
	// MaxEventBytes is the longest event; a longer one is answered code 6.
	// Default 5 MiB.
	MaxEventBytes int
	// OmitEventNumber leaves invalid-event-number out of refusals.
	OmitEventNumber bool
	// EventNumberOffset is added to invalid-event-number, for clients that must
	// not trust it.
	EventNumberOffset int
	// Partial indexes the events before a refused one. Otherwise a refused
	// request leaves nothing behind.
	Partial bool
	// Refuse, if set, is asked about each well-formed event; a non-zero code
	// refuses it (6, 12, 13 and 15 are what Splunk uses).
	Refuse func(Event) int

	// AckDelay is how long after acceptance an event counts as indexed.
	AckDelay time.Duration
	// AckNever keeps every ackId at false.
	AckNever bool

	// QueueEvents bounds the indexing queue; 0 means no bound. It drains at
	// QueueRate events a second.
	QueueEvents int
	QueueRate   float64
	// Busy makes every event request fail as a full queue does.
	Busy bool
	// BusyCode is the answer of a full queue: 9 (503, default) or 26 (429),
	// with Retry-After if RetryAfter is set.
	BusyCode   int
	RetryAfter time.Duration
	// HealthCode is the answer of the health endpoint: 17 (default), 18, 19, 20
	// or 23.
	HealthCode int
	// Latency is added to each event request, after its work.
	Latency time.Duration

	// BusyAfter, if set, is asked how many of a request's events fit into the
	// queue. Where that is not all, so many are indexed and the request is answered
	// code 9 with the number of the first that was not (seen with 0 in
	// splunk/splunk-connect-for-kubernetes#555, with 10 in
	// open-telemetry/opentelemetry-collector-contrib#36113, which says that those
	// before it are in). BusyCode and RetryAfter do not apply.
	BusyAfter func(events int) int
	// Gzip is what becomes of a packed body. Default [TakesGzip].
	Gzip Gzip
	// Firewall, if set, stands before HEC and is shown each body, unpacked. A
	// status refuses it, with a page in HTML, 0 lets it through. (Inferred from
	// firewalls in general: AWS WAF answers 403, ModSecurity whatever its rule
	// says; some do not look into packed bodies.)
	Firewall func(body []byte) int
	// AlwaysOK gives every answer of HEC's status 200, as a gateway does that
	// knows one status only (inferred).
	AlwaysOK bool

	// IDField names the indexed field that identifies an event; default sls_id.
	IDField string
	// CountOnly takes any body as accepted: it is unpacked and measured, not
	// parsed, so that a benchmark measures its client. Events are counted as
	// line ends.
	CountOnly bool
	// OnAccept, if set, hears of the events of each request before its answer
	// is written. They are valid only during the call.
	OnAccept func([]Event)
}

func (o Options) withDefaults() Options {
	if o.MaxContentLength == 0 {
		o.MaxContentLength = 838860800
	}
	if o.MaxEventBytes == 0 {
		o.MaxEventBytes = 5 << 20
	}
	if o.BusyCode == 0 {
		o.BusyCode = 9
	}
	if o.HealthCode == 0 {
		o.HealthCode = 17
	}
	if o.IDField == "" {
		o.IDField = "sls_id"
	}
	return o
}

func (o *Options) token(value string) (Token, bool) {
	i := slices.IndexFunc(o.Tokens, func(t Token) bool { return t.Value == value })
	if i < 0 {
		return Token{}, false
	}
	return o.Tokens[i], true
}
