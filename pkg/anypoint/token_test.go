package anypoint

import (
	"strings"
	"testing"
	"time"
)

// RFC 6749 §5.1 has a number. What else comes from gateways is no reason to
// refuse a good token.
func TestLifetimeOfToken(t *testing.T) {
	const usual = 30 * time.Minute
	for given, want := range map[string]time.Duration{
		`3600`:       time.Hour,
		`3600.0`:     time.Hour,
		`3.6e3`:      time.Hour,
		`"3600"`:     time.Hour,
		`" 3600 "`:   time.Hour,
		`0`:          usual,
		`-5`:         usual,
		`null`:       usual,
		`""`:         usual,
		`"an hour"`:  usual,
		`"NaN"`:      usual,
		`{"s":3600}`: usual,
		`true`:       usual,
		`1e300`:      maxLifetime,
		`"Infinity"`: maxLifetime,
	} {
		asked := time.Now()
		tok, err := readToken(t.Context(), strings.NewReader(`{"access_token":"t","expires_in":`+given+`}`), asked)
		if err != nil || tok.expires.Sub(asked) != want {
			t.Errorf("expires_in %s: %v, %v", given, tok.expires.Sub(asked), err)
		}
	}
}
