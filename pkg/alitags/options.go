package alitags

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/proxy"
)

// SessionName is the name of the sessions that a [Client] opens in member
// accounts. It stands in the events of its own calls.
const SessionName = "siemfeed-trailtags"

// DefaultRole is the role that Resource Directory makes in every member.
const DefaultRole = "ResourceDirectoryAccountAccessRole"

// Options are what a [Client] is told. Account and Key are required; the zero
// value of any other field means its default.
type Options struct {
	// Account is the management account: Key is one of its own.
	Account string
	Key     alibaba.Credentials
	// Role is what is assumed in every other account; [DefaultRole].
	Role string
	// Endpoints are base URLs that stand for those of the regions.
	Endpoints Endpoints
	// TTL is how long an answer counts, give or take a tenth; 5 min.
	TTL time.Duration
	// Size is how many resources are remembered; 100,000, those asked about last.
	Size int
	// System has tags of the system category among the answers.
	System bool
	// Budget is how long a lookup may take; 10 s.
	Budget time.Duration
	// Kept is where known tags are kept from one process to the next, in objects
	// that begin with Prefix. Without it they are not.
	Kept   *bucket.Bucket
	Prefix string
	// Linger is how long an id waits for others to share its call; 20 ms.
	Linger time.Duration
	// Transport sends the requests; default one of the client's own.
	Transport http.RoundTripper
}

// Endpoints are base URLs such as http://127.0.0.1:8080; an empty one means the
// public endpoint of the region that is asked.
type Endpoints struct{ STS, Tag, ECS, SLB string }

func (o *Options) setDefaults() {
	if o.Role == "" {
		o.Role = DefaultRole
	}
	if o.TTL == 0 {
		o.TTL = 5 * time.Minute
	}
	if o.Size == 0 {
		o.Size = 100_000
	}
	if o.Budget == 0 {
		o.Budget = 10 * time.Second
	}
	if o.Linger == 0 {
		o.Linger = 20 * time.Millisecond
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			OnProxyConnectResponse: proxy.Answered,
			DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    5 * time.Second,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    mostCallsEver, // of one region, as a rule
			IdleConnTimeout:        55 * time.Second,
		}
	}
}

func (o *Options) validate() error {
	var faults []error
	if !isAccount(o.Account) {
		faults = append(faults, errors.New("account: want the digits of the management account's id"))
	}
	if o.Key.AccessKeyID == "" || o.Key.AccessKeySecret == "" {
		faults = append(faults, errors.New("no access key of the management account"))
	}
	if o.TTL < 0 || o.Size < 0 || o.Budget < 0 || o.Linger < 0 {
		faults = append(faults, errors.New("TTL, size, budget and linger cannot be negative"))
	}
	for name, raw := range map[string]string{"STS": o.Endpoints.STS, "Tag": o.Endpoints.Tag, "ECS": o.Endpoints.ECS, "SLB": o.Endpoints.SLB} {
		if err := checkEndpoint(raw); err != nil {
			faults = append(faults, fmt.Errorf("%s endpoint: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

// checkEndpoint wants a base URL: https, or plain http to an address of this
// machine's own choosing.
func checkEndpoint(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Path != "" && u.Path != "/" {
		return errors.New("want a base URL such as https://ecs.cn-hangzhou.aliyuncs.com") // not the text: it may hold a secret
	}
	_, ipErr := netip.ParseAddr(u.Hostname())
	switch local := ipErr == nil || u.Hostname() == "localhost"; {
	case u.Scheme == "https", u.Scheme == "http" && local:
		return nil
	}
	return fmt.Errorf("%s://%s: want https", u.Scheme, u.Host)
}
