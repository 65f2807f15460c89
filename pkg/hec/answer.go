package hec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

type verdict int

const (
	accepted      verdict = iota
	refused               // an event of the request is bad, or all are
	tooLarge              // the request is, or as refused
	transient             // again, elsewhere or later
	misconfigured         // the configuration is wrong
)

// answer is a response, judged.
type answer struct {
	verdict      verdict
	status, code int // code is -1 without one
	text         string
	number       int   // zero-based invalid-event-number, -1 without one
	ackID        int64 // -1 without one
	cut          bool  // the body ended early
	slow         bool  // the receiver asks for less
	uncertain    bool  // transient, and the events may be in
	fix          string
	after        time.Duration // Retry-After
	own          bool          // an index is the event's own
}

// fixes are the codes that no event and no retry can mend ("Troubleshoot HTTP
// Event Collector", possible error codes).
var fixes = map[int]string{
	1:         "the token is disabled: enable it in Splunk, or set HEC_TOKEN to another",
	2:         "the token did not reach HEC: does a proxy on the way strip the Authorization header?",
	3:         "the Authorization header is not understood: set HEC_TOKEN to the token alone",
	4:         "HEC does not know the token: set HEC_TOKEN to a token of this receiver",
	codeIndex: "the token may not write to the index, or there is no such index: set HEC_INDEX to one of the token's, or allow it for the token",
	10:        "the token has indexer acknowledgement on: set HEC_ACK=true, or turn it off for the token",
	11:        "the channel is refused: does a proxy on the way change X-Splunk-Request-Channel?",
	14:        "the token has indexer acknowledgement off: set HEC_ACK=false, or turn it on for the token",
	16:        "the token did not reach HEC in a header: does a proxy on the way strip Authorization?",
	21:        "HEC does not know the token: set HEC_TOKEN to a token of this receiver",
	22:        "the token is disabled: enable it in Splunk, or set HEC_TOKEN to another",
	28:        "a channel must stay with one receiver: use a load balancer with sticky sessions, give the receivers one by one in HEC_URL, or set HEC_ACK=false",
}

// texts tell a code where the receiver sends its text alone, as the
// OpenTelemetry receiver does.
var texts = map[string]int{
	"No data": 5, "Invalid data format": 6, "Event field is required": 12,
	"Event field cannot be blank": 13, "Error in handling indexed fields": 15,
}

// read judges a response by its status, its headers and as much of its body as
// came. own is set where events have indexes of their own.
func read(status int, h http.Header, body []byte, bodyErr error, now time.Time, own bool) answer {
	a := answer{status: status, code: -1, number: -1, ackID: -1, own: own}
	a.parse(body, bodyErr)
	a.after, _ = retry.RetryAfter(h, now)
	switch {
	case status >= 200 && status < 300:
		a.success(h, body)
	case status == http.StatusRequestEntityTooLarge:
		a.verdict = tooLarge
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500:
		a.verdict = transient
		a.slow = status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable
		a.uncertain = !a.slow
	default:
		a.clientError()
	}
	return a
}

// success judges a 2xx. What is not of HEC's making is taken for what the status
// says, but for a page made for people.
func (a *answer) success(h http.Header, body []byte) {
	switch a.code {
	case -1:
		if a.cut { // what is missing may be the code of an error
			a.verdict, a.uncertain = transient, true
		} else if isPage(h, body) {
			a.verdict = misconfigured
			a.fix = "a web page is no answer of HEC: does HEC_URL name its port (8088, or 443 on Splunk Cloud), or is there a login or proxy page in between?"
		}
	case 0, 17: // success, and that of the health endpoint
	case 24, 25:
		a.slow = true
	default: // an error, whatever the status says
		a.clientError()
		if _, known := fixes[a.code]; a.verdict == misconfigured && !known {
			a.verdict, a.fix = transient, "" // a code of some later version
		}
		a.uncertain = a.verdict == transient
	}
}

func (a *answer) parse(body []byte, bodyErr error) {
	body = bytes.TrimSpace(body)
	var fields struct {
		Text   string `json:"text"`
		Code   *int   `json:"code"`
		Number *int   `json:"invalid-event-number"`
		AckID  *int64 `json:"ackId"`
	}
	switch {
	case bodyErr != nil:
		a.cut = true
	case len(body) > 0 && body[0] == '{':
		if err := json.NewDecoder(bytes.NewReader(body)).Decode(&fields); err != nil {
			a.cut = errors.Is(err, io.ErrUnexpectedEOF)
			return
		}
		a.text = fields.Text
		if fields.Code != nil && *fields.Code != a.status { // some proxies repeat it there
			a.code = *fields.Code
		}
		keep(&a.number, fields.Number)
		keep(&a.ackID, fields.AckID)
	case len(body) > 0 && body[0] != '<':
		a.text = strings.Trim(string(body), `"`)
		if code, ok := texts[a.text]; ok {
			a.code = code
		}
	}
}

func keep[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func isPage(h http.Header, body []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) || strings.HasPrefix(h.Get("Content-Type"), "text/html") && len(body) > 0
}

// clientError judges 3xx and 4xx by code first.
func (a *answer) clientError() {
	fix, known := fixes[a.code]
	switch {
	case known && !a.aboutEvents():
		a.verdict, a.fix = misconfigured, fix
		return
	case a.status == http.StatusBadRequest && a.cut:
		// The code is what counts, and it did not come.
		a.verdict, a.uncertain = transient, true
		return
	}
	switch a.code {
	case 8, 9, 18, 19, 20, 23, 26, 27:
		a.verdict, a.slow = transient, a.code != 8
		a.uncertain = a.code == 8
		return
	}
	if a.aboutEvents() || refusals[a.status] {
		a.verdict = refused
		return
	}
	a.verdict, a.fix = misconfigured, a.refusalFix()
}

// refusals are the statuses by which a receiver, or a firewall before it, refuses
// a body for what is in it.
var refusals = map[int]bool{
	http.StatusBadRequest: true, http.StatusForbidden: true, http.StatusNotAcceptable: true,
	http.StatusUnsupportedMediaType: true, http.StatusUnprocessableEntity: true,
}

// codeIndex is that of an index that the token may not write to.
const codeIndex = 7

// aboutEvents tells whether the code is one that Splunk has for events.
func (a *answer) aboutEvents() bool {
	switch a.code {
	case 5, 6, 12, 13, 15:
		return true
	case codeIndex:
		return a.own
	}
	return false
}

// refusalFix says what to look at where the refusal is of everything.
func (a *answer) refusalFix() string {
	switch {
	case a.code == codeIndex:
		return fixes[codeIndex]
	case a.aboutEvents():
		return "look whether something between changes bodies or their headers, and whether HEC_URL names HEC"
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return "access is refused: check HEC_TOKEN, and whether a proxy or firewall on the way wants a login"
	case a.status < 400:
		return "it redirects, which HEC never does: set HEC_URL to the receiver itself"
	case a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed:
		return "there is no HEC at this URL: set HEC_URL to scheme, host and port of HEC (8088, or 443 on Splunk Cloud)"
	}
	return "this is no answer of HEC's: check HEC_URL and what stands between"
}
