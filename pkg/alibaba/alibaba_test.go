package alibaba_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aliyun/credentials-go/credentials"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

func TestFromSDK(t *testing.T) {
	kind, id, secret, token := "sts", "id", "secret", "token"
	c, err := sdk.NewCredential(&sdk.Config{Type: &kind, AccessKeyId: &id, AccessKeySecret: &secret, SecurityToken: &token})
	if err != nil {
		t.Fatal(err)
	}
	got, err := alibaba.FromSDK(c).Credentials(t.Context())
	if err != nil || got != (alibaba.Credentials{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "token"}) {
		t.Errorf("%v %v", got, err)
	}
}

// cloud stands for both metadata server and STS.
type cloud struct {
	exchanges atomic.Int32
	life      time.Duration
	fail      atomic.Int32 // status of the next exchanges
	fails     atomic.Int32 // how many of them
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/computeMetadata/v1/instance/service-accounts/default/identity") {
		if r.Header.Get("Metadata-Flavor") != "Google" || r.URL.Query().Get("audience") != "my audience" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = fmt.Fprint(w, "identity-token")
		return
	}
	n := c.exchanges.Add(1)
	if c.fails.Add(-1) >= 0 {
		w.WriteHeader(int(c.fail.Load()))
		_, _ = fmt.Fprint(w, `{"Code":"AuthenticationFail.NoPermission","Message":"role does not trust"}`)
		return
	}
	if err := r.ParseForm(); err != nil || r.PostForm.Get("OIDCToken") != "identity-token" || r.Form.Get("Action") != "AssumeRoleWithOIDC" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"Credentials": map[string]any{
		"AccessKeyId": fmt.Sprint("STS.", n), "AccessKeySecret": "s", "SecurityToken": "t",
		"Expiration": time.Now().Add(c.life).UTC().Format("2006-01-02T15:04:05Z"),
	}})
}

func google(t *testing.T, c *cloud) alibaba.Provider {
	t.Helper()
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	p, err := alibaba.FromGoogle(alibaba.Google{
		RoleARN: "acs:ram::1:role/r", ProviderARN: "acs:ram::1:oidc-provider/google", Audience: "my audience",
		STSEndpoint: s.URL, MetadataURL: s.URL, Client: s.Client(),
		Retry: retry.Policy{Attempts: 3, Base: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFromGoogle(t *testing.T) {
	c := &cloud{life: time.Hour}
	p := google(t, c)
	for range 3 {
		got, err := p.Credentials(t.Context())
		if err != nil || got.AccessKeyID != "STS.1" || got.SecurityToken != "t" {
			t.Fatal(got, err)
		}
	}
	if n := c.exchanges.Load(); n != 1 {
		t.Errorf("%d exchanges for one session", n)
	}
}

func TestFromGoogleRefreshes(t *testing.T) {
	c := &cloud{life: time.Minute} // shorter than the margin: due at every call
	p := google(t, c)
	first, err := p.Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Credentials(t.Context())
	if err != nil || second == first {
		t.Errorf("not refreshed: %v %v", second, err)
	}
	c.fail.Store(503)
	c.fails.Store(100)
	if kept, err := p.Credentials(t.Context()); err != nil || kept != second {
		t.Errorf("a failed refresh threw away a valid session: %v %v", kept, err)
	}
}

func TestFromGoogleErrors(t *testing.T) {
	c := &cloud{life: time.Hour}
	c.fail.Store(503)
	c.fails.Store(2)
	if _, err := google(t, c).Credentials(t.Context()); err != nil {
		t.Errorf("not tried again: %v", err)
	}
	c.fail.Store(403)
	c.fails.Store(100)
	before := c.exchanges.Load()
	_, err := google(t, c).Credentials(t.Context())
	if !retry.IsPermanent(err) || !strings.Contains(err.Error(), "trust policy") || strings.Contains(err.Error(), "identity-token") {
		t.Errorf("got %v", err)
	}
	if n := c.exchanges.Load() - before; n != 1 {
		t.Errorf("a refusal was tried %d times", n)
	}
	if _, err := alibaba.FromGoogle(alibaba.Google{}); err == nil || !strings.Contains(err.Error(), "audience") {
		t.Errorf("got %v", err)
	}
}

func TestCredentialsPrintNoSecret(t *testing.T) {
	c := alibaba.Credentials{AccessKeyID: "id", AccessKeySecret: "hunter2", SecurityToken: "token"}
	for _, f := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(f, c); strings.Contains(got, "hunter2") || strings.Contains(got, "token") {
			t.Errorf("%s prints %s", f, got)
		}
	}
}
