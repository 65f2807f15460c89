package alibaba

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzRequest feeds the server what a caller might send: whatever that is, it is
// answered, and never as if it had been signed.
func FuzzRequest(f *testing.F) {
	f.Add("Action=ListTagResources&Version=2014-05-26&ResourceId.1=i-1", "", "ACS3-HMAC-SHA256 Credential=ak,SignedHeaders=host;x-acs-date,Signature=00", "2026-01-01T00:00:00Z", "ListTagResources", "2014-05-26")
	f.Add("", "Action=AssumeRoleWithOIDC&Version=2015-04-01&OIDCToken=x&OIDCProviderArn=y&RoleArn=acs:ram::1:role/r", "", "", "", "")
	f.Add("%zz", "%", "ACS3-HMAC-SHA256 ,,,=", "x", "AssumeRole", "2015-04-01")
	f.Fuzz(func(t *testing.T, query, body, auth, date, action, version string) {
		s := New(Options{})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, v := range map[string]string{"Authorization": auth, "x-acs-date": date, "x-acs-action": action, "x-acs-version": version} {
			if v != "" {
				r.Header.Set(name, v)
			}
		}
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		if rec.Code == http.StatusOK {
			t.Fatalf("answered: %s", rec.Body)
		}
	})
}
