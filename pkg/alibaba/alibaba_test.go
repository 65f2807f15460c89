package alibaba_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// role is a credential of the library's whose refreshes fail for a while.
type role struct {
	sdk.Credential
	asked int
	fails bool
	token string
}

func (r *role) GetCredential() (*sdk.CredentialModel, error) {
	r.asked++
	if r.fails {
		time.Sleep(15 * time.Second)
		return nil, errors.New("metadata: no answer")
	}
	return &sdk.CredentialModel{AccessKeyId: &r.token, AccessKeySecret: &r.token, SecurityToken: &r.token}, nil
}

// What the library gave last is good while it fails to replace it, for as long as
// it has left; requests wait for few of its attempts.
func TestFromSDKGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &role{token: "first"}
		p := alibaba.FromSDK(r)
		ask := func(want string) {
			t.Helper()
			if got, err := p.Credentials(t.Context()); (want == "") != (err != nil) || got.AccessKeyID != want {
				t.Errorf("%v, %v, want %q", got, err, want)
			}
		}
		ask("first")
		r.fails = true
		began := time.Now()
		for time.Since(began) < 150*time.Second {
			ask("first")
			time.Sleep(time.Second)
		}
		if r.asked > 8 {
			t.Errorf("the library was asked %d times", r.asked)
		}
		time.Sleep(10 * time.Second)
		ask("")
		r.fails, r.token = false, "second"
		ask("second")
	})
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

// wire takes requests to a handler without a socket, so that time can be virtual.
type wire struct {
	http.Handler
	hang atomic.Bool // STS gives no answer
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.hang.Load() && r.Method == http.MethodPost {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// virtual is google in a bubble of virtual time.
func virtual(t *testing.T, c *cloud) (alibaba.Provider, *wire) {
	t.Helper()
	w := &wire{Handler: c}
	alibaba.AskMetadata(t, w)
	p, err := alibaba.FromGoogle(alibaba.Google{
		RoleARN: "acs:ram::1:role/r", ProviderARN: "acs:ram::1:oidc-provider/google", Audience: "my audience", Client: &http.Client{Transport: w},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, w
}

// A session is replaced before it ends; while it is good, an STS that fails or is
// silent neither costs it nor holds requests up, and is asked again all the same.
func TestFromGoogleRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{life: time.Hour}
		p, w := virtual(t, c)
		ask := func(want string) {
			t.Helper()
			if got, err := p.Credentials(t.Context()); err != nil || got.AccessKeyID != want {
				t.Fatal(got, err)
			}
		}
		ask("STS.1")
		time.Sleep(54 * time.Minute)
		ask("STS.1")
		time.Sleep(time.Minute)
		ask("STS.2") // five minutes before it ends
		time.Sleep(55*time.Minute + time.Second)
		c.fail.Store(503)
		c.fails.Store(1)
		ask("STS.2")
		w.hang.Store(true)
		time.Sleep(time.Minute)
		began := time.Now()
		for range 1000 { // requests of a minute
			ask("STS.2")
			time.Sleep(60 * time.Millisecond)
		}
		if d := time.Since(began) - time.Minute; d > 10*time.Second {
			t.Errorf("requests were held up for %v of a minute", d)
		}
		w.hang.Store(false)
		time.Sleep(time.Minute)
		ask("STS.4") // the third failed
	})
}

// Credentials that are over when they come are none, and short ones are not asked
// for with every request.
func TestFromGoogleShortSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{life: -time.Minute}
		p, _ := virtual(t, c)
		if got, err := p.Credentials(t.Context()); err == nil || !strings.Contains(err.Error(), "clock") {
			t.Errorf("%v, %v", got, err)
		}
		c.life = 4 * time.Minute
		before := c.exchanges.Load()
		for range 100 {
			if _, err := p.Credentials(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := c.exchanges.Load() - before; n != 1 {
			t.Errorf("%d exchanges for 100 requests", n)
		}
	})
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
