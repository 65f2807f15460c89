package bucket

import (
	"net/http"
	"regexp"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// secondTry is how Cloud Storage's client says in a request that it is not the
// first of its call: a count that begins at 1, for a chunk of an upload anew
// (cloud.google.com/go/storage/invoke.go,
// google.golang.org/api/internal/gensupport).
var secondTry = regexp.MustCompile(`\bgccl-attempt-count/([2-9]|[1-9][0-9]+)\b`)

// countTries tells whoever counts of every request that Cloud Storage's client
// makes again, which it does by itself.
func countTries(next http.RoundTripper) http.RoundTripper {
	return tripper(func(r *http.Request) (*http.Response, error) {
		for _, said := range r.Header.Values("X-Goog-Api-Client") {
			if secondTry.MatchString(said) {
				retry.Again(r.Context())
			}
		}
		return next.RoundTrip(r)
	})
}
