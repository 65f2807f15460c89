package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/redact"
)

func TestEveryForm(t *testing.T) {
	const secret = `p@ss/w+rd "7f3a9c"%`
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{
		"plain":         secret,
		"query":         url.QueryEscape(secret),
		"path":          url.PathEscape(secret),
		"JSON":          string(quoted),
		"base64":        base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 of URL": base64.URLEncoding.EncodeToString([]byte(secret)),
	}
	for _, user := range []string{"a:", "ab:", "abc:", "abcd:"} {
		said["basic "+user] = base64.StdEncoding.EncodeToString([]byte(user + secret + ":more"))
	}
	for name, form := range said {
		got := redact.Text("HTTP 401: <"+form+"> refused", "", secret)
		if !strings.HasPrefix(got, "HTTP 401: <") || !strings.HasSuffix(got, "> refused") || !strings.Contains(got, "[redacted]") {
			t.Errorf("%s: %s", name, got)
		}
		// What is left of the form tells at most the bytes beside the secret.
		if rest := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(got, "HTTP 401: <"), "> refused"), "[redacted]", ""); len(rest) > 16 {
			t.Errorf("%s: %q is left", name, rest)
		}
	}
}

func TestNothingElse(t *testing.T) {
	const text = "HTTP 401: check CLIENT_SECRET"
	for _, secrets := range [][]string{nil, {""}, {" "}, {"other"}} {
		if got := redact.Text(text, secrets...); got != text {
			t.Errorf("%q: %s", secrets, got)
		}
	}
}

func TestOneSecretBeginsWithAnother(t *testing.T) {
	if got := redact.Text("token-long", "token", "token-long"); got != "[redacted]" {
		t.Error(got)
	}
}
