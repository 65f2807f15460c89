package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/doctor"
	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// Every client tells the server it asks which release asks. What the server
// answers does not matter here: it refuses everything.
func TestEveryClientNamesTheRelease(t *testing.T) {
	for name, ask := range clients {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var agents []string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				agents = append(agents, r.UserAgent())
				mu.Unlock()
				http.Error(w, "no", http.StatusForbidden)
			}))
			defer srv.Close()
			if err := ask(t, srv.URL); len(agents) == 0 {
				t.Fatalf("nothing was asked: %v", err)
			}
			for _, a := range agents {
				if !strings.Contains(a, "siemfeed/"+version.String()) {
					t.Errorf("asked as %q", a)
				}
			}
		})
	}
}

var once = retry.Policy{Attempts: 1, Base: time.Millisecond}

// clients are what the functions ask servers by. Each makes a call, of the server
// at url, which refuses it.
var clients = map[string]func(t *testing.T, url string) error{
	"anypoint": func(t *testing.T, url string) error {
		return anypoint.New(anypoint.Options{BaseURL: url, ClientID: "c", ClientSecret: "s", Retry: once}).Token(t.Context())
	},
	"cfqueue": func(t *testing.T, url string) error {
		c, err := cfqueue.New("account", "queue", "token", cfqueue.Options{BaseURL: url, HTTPClient: &http.Client{}, Retry: once})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Info(t.Context())
		return err
	},
	"hec": func(t *testing.T, url string) error {
		c, err := hec.New(hec.Options{URLs: []string{url}, Token: "token", Retry: once})
		if err != nil {
			t.Fatal(err)
		}
		return c.Check(t.Context(), "", time.Minute)[0].Err
	},
	"sls": func(t *testing.T, url string) error {
		c, err := sls.New(url, "project", "logstore", alibaba.Static("id", "key", ""), sls.Options{Retry: once})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Shards(t.Context())
		return err
	},
	"alitags": func(t *testing.T, url string) error {
		c, err := alitags.New(alitags.Options{
			Account: "1", Key: alibaba.Credentials{AccessKeyID: "id", AccessKeySecret: "key"},
			Endpoints: alitags.Endpoints{STS: url, Tag: url, ECS: url, SLB: url},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		return c.Check(t.Context(), "2", "cn-hangzhou")
	},
	"google's metadata": func(t *testing.T, url string) error { return fromGoogle(t, url, url) },
	"sts with google's token": func(t *testing.T, url string) error {
		metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("token")) }))
		defer metadata.Close()
		return fromGoogle(t, metadata.URL, url)
	},
	"clock": func(t *testing.T, url string) error {
		return doctor.New(time.Minute).Clock(t.Context(), doctor.Subject{}, url).Problem
	},
	"gs": func(t *testing.T, url string) error {
		t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(url, "http://"))
		return readFrom(t, "gs://b")
	},
	"s3": func(t *testing.T, url string) error {
		t.Setenv("AWS_ACCESS_KEY_ID", "id")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "key")
		return readFrom(t, "s3://b?region=x&endpoint="+url)
	},
	"r2": func(t *testing.T, url string) error {
		return readFrom(t, "r2://b?endpoint="+url, bucket.WithR2(bucket.R2{AccessKeyID: "id", SecretAccessKey: "key"}))
	},
	"oss": func(t *testing.T, url string) error {
		return readFrom(t, "oss://bucket?region=cn-hangzhou&endpoint="+url, bucket.WithOSS(alibaba.Static("id", "key", "")))
	},
}

func fromGoogle(t *testing.T, metadata, sts string) error {
	t.Helper()
	p, err := alibaba.FromGoogle(alibaba.Google{
		RoleARN: "acs:ram::1:role/r", ProviderARN: "acs:ram::1:oidc-provider/google", Audience: "a",
		MetadataURL: metadata, STSEndpoint: sts, Client: &http.Client{}, Retry: once,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Credentials(t.Context())
	return err
}

func readFrom(t *testing.T, url string, opts ...bucket.Option) error {
	t.Helper()
	b, err := bucket.Open(t.Context(), url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	_, err = b.ReadAll(t.Context(), "k")
	return err
}
