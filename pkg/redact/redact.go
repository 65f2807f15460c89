// Package redact takes secrets out of words that others chose: what a server
// echoes in its refusal, or a library puts into its error.
package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

const redacted = "[redacted]"

// Text returns s without the secrets: as they are, and in the forms in which
// they travel: escaped for a URL, for JSON, in base64 alone or behind a user
// name. Empty secrets are passed over. Cut s short afterwards, not before: half
// a secret is not recognised.
func Text(s string, secrets ...string) string {
	var all []string
	for _, secret := range secrets {
		if secret = strings.TrimSpace(secret); secret != "" {
			all = append(all, forms(secret)...)
		}
	}
	// The longest first: a secret may begin with another.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	for _, form := range all {
		s = strings.ReplaceAll(s, form, redacted)
	}
	return s
}

func forms(secret string) []string {
	out := []string{secret}
	add := func(form string) {
		if !slices.Contains(out, form) {
			out = append(out, form)
		}
	}
	add(url.QueryEscape(secret))
	add(url.PathEscape(secret))
	if quoted, err := json.Marshal(secret); err == nil {
		add(string(quoted[1 : len(quoted)-1]))
	}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			if core := encoded(enc, secret, before); len(core) >= leastEncoded {
				add(core)
			}
		}
	}
	return out
}

// leastEncoded is how many characters of base64 are told from chance.
const leastEncoded = 8

// encoded returns those characters of base64 that secret alone decides when so
// many bytes come before it, modulo 3.
func encoded(enc *base64.Encoding, secret string, before int) string {
	all := enc.EncodeToString(append(make([]byte, before), secret...))
	whole := (before + len(secret)) * 8 / 6 // characters that what comes after does not touch
	return all[[3]int{0, 2, 3}[before]:whole]
}
