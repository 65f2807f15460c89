package alitags

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	wire "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/redact"
	"github.com/siemfeed/siemfeed/pkg/retry"
	release "github.com/siemfeed/siemfeed/pkg/version"
	"github.com/siemfeed/siemfeed/pkg/watch"
)

// maxAnswer bounds the body of an answer: fifty resources have at most a
// thousand tags of 384 characters.
const maxAnswer = 8 << 20

// caller makes RPC calls through the vendor's generic client, which signs them.
type caller struct {
	http    *http.Client
	timeout time.Duration // of one attempt
	listed  atomic.Int64  // calls of ListTagResources
}

func newCaller(o *Options) *caller {
	return &caller{
		http: watch.Client(named, http.Client{
			Transport: o.Transport,
			// A signature holds for one host: a redirect is no answer.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		// Two may fail, and a third still be within the budget.
		timeout: min(5*time.Second, o.Budget/3),
	}
}

// named names a request by the variable that leads to its host.
func named(r *http.Request) string {
	switch r.Header.Get("x-acs-version") {
	case versionSTS:
		return "STS_ENDPOINT"
	case versionECS:
		return "ECS_ENDPOINT"
	case versionSLB:
		return "SLB_ENDPOINT"
	}
	return "TAG_ENDPOINT"
}

// call makes one attempt at an API call and decodes its answer into out. An
// answer other than 200 becomes an [*APIError].
func (c *caller) call(ctx context.Context, base string, creds alibaba.Credentials, version, action string, query map[string]string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	scheme, host, _ := strings.Cut(strings.TrimSuffix(base, "/"), "://")
	x := &exchange{client: c.http}
	sdk, err := openapi.NewClient(&wire.Config{
		AccessKeyId: &creds.AccessKeyID, AccessKeySecret: &creds.AccessKeySecret, SecurityToken: &creds.SecurityToken,
		Endpoint: &host, Protocol: &scheme, UserAgent: dara.String(release.UserAgent()), HttpClient: x,
	})
	if err != nil {
		return retry.Permanent(fmt.Errorf("%s: %w", action, err))
	}
	params := &wire.Params{
		Action: &action, Version: &version, Pathname: dara.String("/"), Method: dara.String(http.MethodPost),
		AuthType: dara.String("AK"), Style: dara.String("RPC"), ReqBodyType: dara.String("formData"),
		BodyType: dara.String("binary"), // as it is: the SDK's own decoder makes maps of everything
	}
	request := &wire.OpenApiRequest{Query: map[string]*string{}}
	for k, v := range query {
		request.Query[k] = &v
	}
	answer, err := sdk.CallApiWithCtx(ctx, params, request, &dara.RuntimeOptions{})
	if err != nil {
		return x.refusal(ctx, action, host, creds, err)
	}
	body, ok := answer["body"].(io.ReadCloser)
	if !ok {
		return fmt.Errorf("%s at %s: an answer without a body", action, host)
	}
	defer body.Close() //nolint:errcheck // read to its end or given up
	raw, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("answer of %s at %s: %w", action, host, err)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("answer of %s at %s: %w", action, host, err)
	}
	return nil
}

// exchange sends the one request of a call, and keeps what its answer said.
type exchange struct {
	client  *http.Client
	failed  error // instead of an answer; the SDK makes a text of it
	status  int
	header  http.Header
	refused struct{ Code, Message, RequestID string }
}

// Call implements the SDK's HttpClient, for a request that it has signed.
func (x *exchange) Call(r *http.Request, _ *http.Transport) (*http.Response, error) {
	// The SDK writes names in small letters past the header's own methods: what
	// looks for a secret by its name would not find it.
	header := make(http.Header, len(r.Header))
	for name, values := range r.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	r.Header = header
	resp, err := x.client.Do(r) //nolint:gosec // G704: the host is an endpoint of the vendor, or an override
	if err != nil {
		x.failed = err
		return nil, err
	}
	x.status, x.header = resp.StatusCode, resp.Header
	body := io.LimitReader(resp.Body, maxAnswer)
	if resp.StatusCode >= http.StatusBadRequest {
		// A body that breaks off, or is not the service's own, leaves the status
		// to decide.
		raw, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		_ = json.Unmarshal(raw, &x.refused)
		body = strings.NewReader("{}")
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return resp, nil
}

// refusal makes the error of a call that was not answered with 200.
func (x *exchange) refusal(ctx context.Context, action, host string, creds alibaba.Credentials, err error) error {
	if x.status < http.StatusBadRequest {
		if x.failed != nil {
			err = x.failed
		}
		var where *url.Error
		if errors.As(err, &where) {
			err = where.Err // without the address, which holds all that was asked
		}
		if why := context.Cause(ctx); why != nil {
			err = why
		}
		return fmt.Errorf("%s at %s: %w", action, host, err)
	}
	return &APIError{
		Action: action, Host: host, HTTP: x.status, Code: x.refused.Code, RequestID: x.refused.RequestID,
		// What a signature was made of is quoted back where it is wrong.
		Message: redact.Text(x.refused.Message, creds.AccessKeySecret, creds.SecurityToken),
		session: creds.SecurityToken != "",
		wait:    x.wait(),
	}
}

// wait is how long the service asks to be left alone.
func (x *exchange) wait() time.Duration {
	wait, _ := retry.RetryAfter(x.header, time.Now())
	left := map[string]*string{}
	for _, name := range []string{"x-ratelimit-user-api", "x-ratelimit-user"} {
		if v := x.header.Get(name); v != "" {
			left[name] = &v
		}
	}
	if ms := wire.GetThrottlingTimeLeft(left); ms != nil {
		wait = max(wait, time.Duration(*ms)*time.Millisecond)
	}
	return min(wait, time.Minute)
}
