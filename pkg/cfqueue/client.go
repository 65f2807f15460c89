// Package cfqueue is a client of Cloudflare Queues' HTTP pull consumer
// (developers.cloudflare.com/queues/configuration/pull-consumers): it pulls
// messages under a lease, and acknowledges or returns them by it.
//
// No call extends a lease, so the visibility timeout chosen at the pull must
// cover the work; an acknowledgement that comes late still counts.
package cfqueue

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// DefaultBaseURL is where the API is.
const DefaultBaseURL = "https://api.cloudflare.com/client/v4"

// The service's limits (developers.cloudflare.com/queues/platform/limits).
const (
	MaxBatch      = 100
	MaxVisibility = 12 * time.Hour
	MaxDelay      = 12 * time.Hour
)

// Options are a client's settings that have a default.
type Options struct {
	// BaseURL ends in /client/v4; empty means [DefaultBaseURL].
	BaseURL string
	// Variable is the one that has the queue's id, for errors; empty means
	// CF_QUEUE_ID.
	Variable string
	// HTTPClient makes the calls; nil means one with default transport.
	// Redirects are never followed.
	HTTPClient *http.Client
	// Timeout bounds each attempt at a call; 0 means 30 s.
	Timeout time.Duration
	// Retry bounds the attempts; the zero value means 5, from 500 ms to 10 s
	// apart.
	Retry retry.Policy
}

// Client works on one queue. It is safe for concurrent use.
type Client struct {
	queue     string // the queue's URL
	variable  string // see Options.Variable
	http      *http.Client
	authorize func(*http.Request) // holds the token, so that printing a Client cannot show it
	redact    func(string) string
	timeout   time.Duration
	retry     retry.Policy
}

// named names what a request to the queue that variable names is for.
func named(variable string) func(*http.Request) string {
	return func(r *http.Request) string {
		if strings.HasSuffix(r.URL.Path, "/ack") {
			return variable + " (acknowledging)"
		}
		return variable
	}
}

// New returns a client for the queue with the given id. The token needs the
// account permissions Queues Read and Queues Write.
func New(account, queue, token string, opts Options) (*Client, error) {
	if opts.BaseURL == "" {
		opts.BaseURL = DefaultBaseURL
	}
	if opts.Variable == "" {
		opts.Variable = "CF_QUEUE_ID"
	}
	base, err := url.Parse(opts.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, retry.Permanent(errors.New("CF_API_BASE_URL is not an http(s) URL"))
	}
	for _, v := range []struct{ name, value string }{
		{"CF_ACCOUNT_ID", account}, {opts.Variable, queue}, {"CF_API_TOKEN", token},
	} {
		if v.value == "" {
			return nil, retry.Permanent(fmt.Errorf("%s is not set", v.name))
		}
	}
	client := http.Client{}
	if opts.HTTPClient != nil {
		client = *opts.HTTPClient
	}
	if client.Transport == nil {
		client.Transport = proxy.Transport()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	if opts.Retry.Attempts == 0 {
		opts.Retry.Attempts = 5
		opts.Retry.Base = 500 * time.Millisecond
		opts.Retry.Max = 10 * time.Second
	}
	return &Client{
		queue:     base.JoinPath("accounts", url.PathEscape(account), "queues", url.PathEscape(queue)).String(),
		variable:  opts.Variable,
		http:      watch.Client(named(opts.Variable), client),
		authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) },
		redact:    redactor(token),
		timeout:   opts.Timeout,
		retry:     opts.Retry,
	}, nil
}
