package bucket

import (
	"net/http"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/version"
)

// agent adds to a request's User-Agent, which a store's SDK fills with itself,
// who uses it. No signature covers that header: proxies may change it.
func agent(next http.RoundTripper) http.RoundTripper {
	return tripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context()) // a RoundTripper must not change its request
		r.Header.Set("User-Agent", strings.TrimSpace(r.UserAgent()+" "+version.UserAgent()))
		return next.RoundTrip(r)
	})
}
