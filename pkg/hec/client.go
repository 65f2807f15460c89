package hec

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// Client sends batches to one HEC, which may have several endpoints. It is
// safe for concurrent use.
type Client struct {
	opts   Options
	http   *http.Client
	own    *http.Transport // to be closed with the client; nil if the caller's
	pool   *pool
	fleet  *fleet
	n      counters
	cancel context.CancelFunc
	polls  sync.WaitGroup
}

// New checks the options, naming every fault at once, and returns a client. No
// request is made. With Ack the client polls until [Client.Close].
func New(opts Options) (*Client, error) {
	opts = opts.withDefaults()
	opts.URLs = slices.Clone(opts.URLs)
	if err := opts.validate(); err != nil {
		return nil, err
	}
	c := &Client{
		opts: opts,
		pool: newPool(opts.Unacked, opts.Batches, opts.BatchBytes, opts.Gzip),
		fleet: &fleet{
			limit: opts.Concurrency, budget: opts.Retry.Attempts, base: opts.Retry.Base, max: opts.Retry.Max,
			changed: make(chan struct{}),
		},
	}
	if err := c.connect(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	for i, u := range opts.URLs {
		e := &endpoint{index: i, url: u, window: float64(opts.Concurrency), acks: newAcker(opts.AckTimeout)}
		c.fleet.all = append(c.fleet.all, e)
		if opts.Ack {
			c.polls.Go(func() { c.poll(ctx, e) })
		}
	}
	return c, nil
}

func (c *Client) connect() error {
	c.http = &http.Client{}
	if given := c.opts.HTTPClient; given != nil {
		*c.http = *given
	} else {
		c.own = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			OnProxyConnectResponse: proxy.Answered,
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:        c.opts.TLS,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxIdleConnsPerHost:    c.opts.Concurrency + 1, // one more for acknowledgements
			IdleConnTimeout:        90 * time.Second,
			DisableCompression:     true,
			ExpectContinueTimeout:  time.Second,
			WriteBufferSize:        64 << 10,
		}
		c.http.Transport = c.own
	}
	c.http = watch.Client(named, *c.http)
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.opts.Ack && c.http.Jar == nil {
		// Sticky sessions, which acknowledgement needs behind a load balancer,
		// are kept by cookie.
		jar, err := cookiejar.New(nil)
		if err != nil {
			return fmt.Errorf("HEC client: %w", err)
		}
		c.http.Jar = jar
	}
	return nil
}

// named names what a request is for.
func named(r *http.Request) string {
	if strings.HasSuffix(r.URL.Path, pathEvent) {
		return "HEC_URL"
	}
	return "HEC_URL (" + r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:] + ")"
}

// Batch returns an empty batch, waiting while all are in use. Release it.
func (c *Client) Batch(ctx context.Context) (*Batch, error) { return c.pool.get(ctx) }

// patience is how long a batch of which every event was refused waits for
// another to show whether anything is taken.
func (c *Client) patience() time.Duration { return 4 * c.opts.Retry.Base }

// Close ends the polling and every wait for an acknowledgement, and waits for
// that until ctx ends.
func (c *Client) Close(ctx context.Context) error {
	c.cancel()
	done := make(chan struct{})
	go func() {
		c.polls.Wait()
		close(done)
	}()
	if c.own != nil {
		defer c.own.CloseIdleConnections()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// String leaves the token out.
func (c *Client) String() string { return "hec.Client{" + c.opts.String() + "}" }

// GoString leaves the token out.
func (c *Client) GoString() string { return c.String() }

// newGUID returns a random UUID (RFC 9562 version 4), which is what names a
// channel.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
