package hec

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// Options configure a [Client].
type Options struct {
	// URLs are base URLs such as https://splunk.example.com:8088. A path that
	// ends in /services/collector… is cut there. At least one, at most 64.
	URLs []string
	// Token is the HEC token alone, without "Splunk ". Required.
	Token string

	// Gzip compresses request bodies.
	Gzip bool
	// BatchBytes is when a batch counts as full, in bytes before compression.
	// Default 1 MiB. It shrinks when the receiver answers 413.
	BatchBytes int
	// Concurrency is the most requests under way at once, over all URLs.
	// Default 4.
	Concurrency int
	// Batches is the most batches that hold their events as text, each of about
	// BatchBytes and its compressed form. Default twice Concurrency; with Ack and
	// without Gzip 32, since a batch is then held until it is acknowledged.
	Batches int
	// Unacked is, with Ack and Gzip, the most batches filled, sent or waited for
	// at once; those that wait are held compressed. Over the time an
	// acknowledgement takes it bounds the throughput. Default 128.
	Unacked int
	// Timeout of one request. Default 120 s.
	Timeout time.Duration
	// TLS is used as it is. Nil means the system's roots.
	TLS *tls.Config
	// HTTPClient replaces the client made from TLS. Redirects are never
	// followed: they would turn a POST into a GET that "succeeds".
	HTTPClient *http.Client

	// IndexOfEvent says that the index is each event's own, and not the same for all:
	// one that the token may not write to is then that event's fault.
	IndexOfEvent bool

	// Ack waits for indexer acknowledgement. The token must have it enabled.
	Ack bool
	// AckPoll is how often each URL is asked for acknowledgements. Default 5 s.
	AckPoll time.Duration
	// AckTimeout is how long after acceptance a batch is sent again. Default 5m.
	AckTimeout time.Duration

	// Retry bounds the rounds made over the URLs for one request, the failures
	// in a row after which those who wait for a URL give up, and with Ack how
	// often a batch is sent that nobody acknowledges. Its Notify also hears of
	// each switch to another URL, with a wait of 0. Default: 10 attempts, 500 ms,
	// at most 30 s: about two minutes.
	Retry retry.Policy
}

const redacted = "[redacted]"

// String leaves the token out.
func (o Options) String() string {
	return fmt.Sprintf("hec.Options{URLs: %q, Token: %s, Gzip: %t, Ack: %t}", o.URLs, redacted, o.Gzip, o.Ack)
}

// GoString leaves the token out.
func (o Options) GoString() string { return o.String() }

// LogValue leaves the token out.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

func (o Options) withDefaults() Options {
	set(&o.BatchBytes, 1<<20)
	set(&o.Concurrency, 4)
	if o.Ack && !o.Gzip {
		set(&o.Batches, 32)
	}
	set(&o.Batches, 2*o.Concurrency)
	if !o.Ack || !o.Gzip {
		o.Unacked = o.Batches
	}
	set(&o.Unacked, max(128, o.Batches))
	set(&o.Timeout, 120*time.Second)
	set(&o.AckPoll, 5*time.Second)
	set(&o.AckTimeout, 5*time.Minute)
	set(&o.Retry.Attempts, 10)
	set(&o.Retry.Base, 500*time.Millisecond)
	set(&o.Retry.Max, 30*time.Second)
	return o
}

func set[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// validate returns every fault at once.
func (o *Options) validate() error {
	var errs []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	fault(len(o.URLs) == 0, "no HEC URL")
	fault(len(o.URLs) > 64, "%d HEC URLs, at most 64", len(o.URLs))
	for i, u := range o.URLs {
		base, err := baseURL(u)
		fault(err != nil, "HEC URL %d: %w", i+1, err)
		fault(err == nil && slices.Contains(o.URLs[:i], base), "HEC URL %s is given twice", base)
		o.URLs[i] = base
	}
	fault(o.Token == "", "no HEC token")
	fault(strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }),
		"the HEC token holds a space or a control character: give the token alone, without \"Splunk \" or a line end")
	fault(o.BatchBytes < 1, "batch bytes %d, want at least 1", o.BatchBytes)
	fault(o.Concurrency < 1, "concurrency %d, want at least 1", o.Concurrency)
	fault(o.Batches < 1, "%d batches, want at least 1", o.Batches)
	fault(o.Unacked < o.Batches, "%d batches unacknowledged, want at least the %d that hold text", o.Unacked, o.Batches)
	fault(o.Timeout < 0, "timeout %v is negative", o.Timeout)
	fault(o.AckPoll < 0, "ack poll interval %v is negative", o.AckPoll)
	fault(o.AckTimeout < 0, "ack timeout %v is negative", o.AckTimeout)
	return errors.Join(errs...)
}

// baseURL checks a URL and cuts it back to what the endpoints are added to.
// Errors do not show the URL: someone may have put a token into it.
func baseURL(s string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("not of the form https://host:8088")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("it must not carry a user, a query or a fragment; the token is set apart from it")
	}
	if i := strings.Index(u.Path, "/services/collector"); i >= 0 {
		u.Path = u.Path[:i]
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}
