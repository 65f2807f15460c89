package sls

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// Options are what a [Client] may be told. The zero value of each field means
// its default.
type Options struct {
	// Region selects signature v4, which names it; without one v1 is used.
	Region string
	// Insecure permits plain http to a named host. An IP address or localhost
	// never needs it.
	Insecure bool
	// Compression asks for pulls in "lz4" (default) or "zstd". Writes are
	// always lz4.
	Compression string
	// MaxPullBytes refuses a pull that announces more raw bytes; default
	// 64 MiB. The service itself sends about 10 MiB at most.
	MaxPullBytes int
	// Memory bounds the bytes of all pulls that are held at once, compressed
	// and raw, over all shards; default 48 MiB. A single pull that needs more
	// is let through alone.
	Memory int64
	// Timeout bounds one attempt at a request, not counting a wait for Memory;
	// default 60 s.
	Timeout time.Duration
	// Retry bounds the attempts; default 8, from 200 ms to 10 s apart.
	Retry retry.Policy
	// Transport sends the requests; default a transport of the client's own.
	Transport http.RoundTripper
	// Variable names what leads to the logstore, for errors about it; default
	// SLS_ENDPOINT.
	Variable string
}

// Client makes the API calls of one logstore. It is safe for concurrent use.
type Client struct {
	project, logstore string
	base              url.URL // scheme and the host that is dialled
	host              string  // project.endpoint, what is signed and sent
	creds             alibaba.Provider
	opts              Options
	http              *http.Client
	buffers           *buffers
	zstd              *zstd.Decoder // nil unless asked for
}

// name is what projects, logstores and consumer groups may be called. Source:
// the limits on the pages of their Create calls, less strict in length.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)

// New returns a client of a logstore. The endpoint is that of the region
// ("cn-hangzhou.log.aliyuncs.com", https unless it says otherwise); an IP
// address or localhost is dialled as it is, by default over plain http, while
// the Host header stays project.endpoint. It returns every fault of its
// arguments at once.
func New(endpoint, project, logstore string, creds alibaba.Provider, opts Options) (*Client, error) {
	var faults []error
	if !name.MatchString(project) {
		faults = append(faults, fmt.Errorf("project %q: want letters, digits and hyphens", project))
	}
	if !name.MatchString(logstore) {
		faults = append(faults, fmt.Errorf("logstore %q: want letters, digits, hyphens and underscores", logstore))
	}
	if creds == nil {
		faults = append(faults, errors.New("no credentials"))
	}
	switch opts.Compression {
	case "":
		opts.Compression = lz4Type
	case lz4Type, zstdType:
	default:
		faults = append(faults, fmt.Errorf("compression %q: want lz4 or zstd", opts.Compression))
	}
	c := &Client{project: project, logstore: logstore, creds: creds}
	if err := c.setEndpoint(endpoint, opts.Insecure); err != nil {
		faults = append(faults, err)
	}
	if faults != nil {
		return nil, fmt.Errorf("sls: %w", errors.Join(faults...))
	}
	opts.setDefaults()
	c.opts = opts
	c.http = watch.Client(named(opts.Variable), http.Client{
		Transport: opts.Transport,
		// A signature holds for one host and path: a redirect is no answer.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	c.buffers = newBuffers(opts.Memory)
	if opts.Compression == zstdType {
		// With one worker the decoder starts no goroutine.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(opts.MaxPullBytes))) //nolint:gosec // a size
		if err != nil {
			return nil, fmt.Errorf("sls: zstd: %w", err)
		}
		c.zstd = z
	}
	return c, nil
}

// named names what a request is for: a service that answers pulls may all the
// same save no checkpoints.
func named(variable string) func(*http.Request) string {
	return func(r *http.Request) string {
		kind := r.URL.Query().Get("type")
		switch {
		case strings.Contains(r.URL.Path, "/consumergroups"):
			if kind == "" {
				kind = "consumer group"
			}
		case kind == "logs":
			kind = "pull"
		}
		if kind == "" {
			return variable
		}
		return variable + " (" + kind + ")"
	}
}

func (o *Options) setDefaults() {
	if o.MaxPullBytes == 0 {
		o.MaxPullBytes = 64 << 20
	}
	if o.Memory == 0 {
		o.Memory = 48 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = 60 * time.Second
	}
	if o.Retry.Attempts == 0 {
		o.Retry.Attempts, o.Retry.Base, o.Retry.Max = 8, 200*time.Millisecond, 10*time.Second
	}
	if o.Variable == "" {
		o.Variable = "SLS_ENDPOINT"
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			OnProxyConnectResponse: proxy.Answered,
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			// One connection for every shard that is read, kept for its next
			// pull. The service closes idle ones after 60 s.
			MaxIdleConnsPerHost: 128,
			IdleConnTimeout:     55 * time.Second,
			DisableCompression:  true,
		}
	}
}

func (c *Client) setEndpoint(endpoint string, insecure bool) error {
	scheme, host, found := strings.Cut(endpoint, "://")
	if !found {
		scheme, host = "", endpoint
	}
	host = strings.TrimSuffix(host, "/")
	u, err := url.Parse("//" + host)
	if err != nil || u.Hostname() == "" || u.Host != host {
		return errors.New("endpoint: want a host name such as cn-hangzhou.log.aliyuncs.com, without the project") // not the text: it may hold a secret
	}
	if strings.HasPrefix(host, c.project+".") {
		return fmt.Errorf("endpoint %q: leave out the project, %s", endpoint, host[len(c.project)+1:])
	}
	_, ipErr := netip.ParseAddr(u.Hostname())
	local := ipErr == nil || u.Hostname() == "localhost"
	switch {
	case scheme == "" && local:
		scheme = "http"
	case scheme == "":
		scheme = "https"
	case scheme != "http" && scheme != "https":
		return fmt.Errorf("endpoint %q: want https", endpoint)
	case scheme == "http" && !local && !insecure:
		return fmt.Errorf("endpoint %q: plain http to a named host would show the logs to everyone on the way; use https", endpoint)
	}
	c.host = c.project + "." + host
	c.base = url.URL{Scheme: scheme, Host: c.host}
	if local {
		c.base.Host = host
	}
	return nil
}

// Project returns the project's name.
func (c *Client) Project() string { return c.project }

// Logstore returns the logstore's name.
func (c *Client) Logstore() string { return c.logstore }

// Close closes idle connections. Calls under way are not disturbed.
func (c *Client) Close() { c.http.CloseIdleConnections() }
