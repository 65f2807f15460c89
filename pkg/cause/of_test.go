package cause_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/cause"
	"github.com/siemfeed/siemfeed/pkg/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/proxy"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Each client tells what its service's words mean.
func TestServicesWords(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want cause.Code
	}{
		{&anypoint.Error{Kind: anypoint.Auth, Status: 400}, cause.CredentialsRefused},
		{&anypoint.Error{Kind: anypoint.Scope, Status: 403}, cause.PermissionDenied},
		{&anypoint.Error{Kind: anypoint.Throttled, Status: 503}, cause.Throttled},
		{&anypoint.Error{Kind: anypoint.Protocol}, cause.UnexpectedAnswer},
		{&anypoint.Error{Kind: anypoint.Network, Err: &net.DNSError{IsNotFound: true}}, cause.NameUnknown},
		{&sls.Error{HTTP: 401, Code: "SignatureNotMatch"}, cause.CredentialsRefused},
		{&sls.Error{HTTP: 401, Code: "Unauthorized", Message: "denied by sts or ram, action: log:GetIndex"}, cause.PermissionDenied},
		{&sls.Error{HTTP: 401, Code: "unauthorized", Message: "AccessKeyId not found: x"}, cause.CredentialsRefused},
		{&sls.Error{HTTP: 400, Code: "RequestTimeTooSkewed"}, cause.ClockOff},
		{&sls.Error{HTTP: 404, Code: "LogStoreNotExsit"}, cause.NotFound},
		{&sls.Error{HTTP: 403, Code: "ReadQuotaExceed"}, cause.Throttled},
		{&sls.Error{HTTP: 403}, cause.ProxyRefused},
		{&sls.Error{HTTP: 400, Code: "MissingDate"}, cause.ProxyRefused},
		{&hec.Error{Status: 403, Code: 4}, cause.CredentialsRefused},
		{&hec.Error{Status: 400, Code: 7, Fix: "set HEC_INDEX"}, cause.Misconfigured},
		{&hec.Error{Status: 400, Code: 10, Fix: "set HEC_ACK=true"}, cause.Misconfigured},
		{&hec.Error{Status: 405, Code: -1}, cause.NotFound},
		{&hec.Error{Status: 200, Code: -1}, cause.UnexpectedAnswer},
		{&hec.Error{Status: 503, Code: 9}, cause.ServerFailed},
		{&cfqueue.Error{Status: 400, Code: 6003}, cause.CredentialsRefused},
		{&cfqueue.Error{Status: 403, Code: 10000}, cause.PermissionDenied},
		{&cfqueue.Error{Status: 400, Code: 7003}, cause.NotFound},
		{&alitags.APIError{HTTP: 404, Code: "InvalidAccessKeyId.NotFound"}, cause.CredentialsRefused},
		{&alitags.APIError{HTTP: 400, Code: "IllegalTimestamp"}, cause.ClockOff},
		{&alitags.APIError{HTTP: 403, Code: "NoPermission"}, cause.PermissionDenied},
		{&alitags.APIError{HTTP: 400, Code: "Throttling.User"}, cause.Throttled},
		{&alitags.APIError{HTTP: 502}, cause.ServerFailed},
		{fs.ErrPermission, cause.PermissionDenied},
		{context.DeadlineExceeded, cause.Timeout},
		{errors.New("something else"), cause.Unknown},
		{nil, ""},
	} {
		for _, err := range []error{tc.err, wrap(tc.err), retry.Permanent(tc.err), cut(tc.err)} {
			if got := cause.Of(err); got != tc.want {
				t.Errorf("%v: %q, want %q", err, got, tc.want)
			}
		}
	}
	if got := cause.Of(cause.Mark(cause.NoCredentials, &net.DNSError{IsNotFound: true})); got != cause.NoCredentials {
		t.Errorf("what is known of it counts first: %q", got)
	}
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read: %w", err)
}

// cut is err as the last of several tries.
func cut(err error) error {
	if err == nil {
		return nil
	}
	return retry.CutAgain(err, time.Second)
}

// A proxy that refuses, or is not there, is not the service.
func TestProxies(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer refusing.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, tc := range []struct {
		proxy string
		want  cause.Code
	}{{refusing.URL, cause.ProxyRefused}, {gone.URL, cause.ProxyUnreachable}} {
		at, err := url.Parse(tc.proxy)
		if err != nil {
			t.Fatal(err)
		}
		transport := proxy.Transport()
		transport.Proxy = http.ProxyURL(at)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://service.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if got := cause.Of(err); got != tc.want {
			t.Errorf("%v: %q, want %q", err, got, tc.want)
		}
	}
	if got := cause.OfStatus(http.StatusProxyAuthRequired); got != cause.ProxyRefused {
		t.Errorf("407 of a plain request: %q", got)
	}
}
