package sls_test

import (
	"net/http"
	"strings"
	"testing"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// strips takes headers away, as some proxies do.
type strips []string

func (s strips) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for _, name := range s {
		r.Header.Del(name)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A proxy that takes Date away does no harm: the service goes by x-log-date.
// One that takes both away is refused with what to do about it.
func TestProxyTakesDateAway(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	for _, region := range []string{"", "cn-hangzhou"} {
		c := newClient(t, s, sls.Options{Region: region, Transport: strips{"Date"}})
		if _, err := c.Shards(t.Context()); err != nil {
			t.Errorf("region %q: %v", region, err)
		}
		if err := c.EnsureGroup(t.Context(), sls.ConsumerGroup{Name: "g", Timeout: 10}); err != nil { // with a body
			t.Errorf("region %q: %v", region, err)
		}
	}
	c := newClient(t, s, sls.Options{Transport: strips{"Date", "x-log-date"}})
	if _, err := c.Shards(t.Context()); !sls.IsConfig(err) || !strings.Contains(err.Error(), "SLS_REGION") {
		t.Errorf("no date at all: %v", err)
	}
}
