package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/config"
)

// requireToken lets only those post to next who bear the token; others are
// answered 401. Without a token it lets everyone. What is not a POST passes:
// it does not run anything.
func requireToken(token config.Secret, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	// Hashes are of one length, so that comparing them takes one time.
	want := sha256.Sum256([]byte(token.Reveal()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(given)))
		same := subtle.ConstantTimeCompare(got[:], want[:]) == 1
		if r.Method == http.MethodPost && !(same && strings.EqualFold(scheme, "Bearer")) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			answer(w, http.StatusUnauthorized, failure{Error: "send the value of FUNCTION_TOKEN as Authorization: Bearer"})
			return
		}
		next.ServeHTTP(w, r)
	})
}
