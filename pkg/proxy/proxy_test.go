package proxy_test

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/http/httpproxy"

	"github.com/siemfeed/siemfeed/pkg/proxy"
)

func TestKeepDirect(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy", "GCE_METADATA_HOST"} {
		t.Setenv(name, "")
	}
	t.Setenv("HTTP_PROXY", "http://proxy:3128")
	t.Setenv("HTTPS_PROXY", "http://proxy:3128")
	t.Setenv("no_proxy", "inside.example")
	t.Setenv("GCE_METADATA_HOST", "metadata.test:8080")
	for range 2 { // twice is once
		if err := proxy.KeepDirect(); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := os.Getenv("NO_PROXY"), "inside.example,0.0.0.0/0,::/0,metadata.google.internal,metadata.goog,metadata.test:8080"; got != want {
		t.Errorf("NO_PROXY=%s, want %s", got, want)
	}
	through := httpproxy.FromEnvironment().ProxyFunc()
	for raw, want := range map[string]bool{
		"http://169.254.169.254/latest/meta-data/":         false,
		"http://metadata.google.internal/computeMetadata/": false,
		"http://metadata.test:8080/computeMetadata/":       false,
		"http://100.100.100.200/latest/meta-data/":         false,
		"http://169.254.170.2/v2/credentials/":             false,
		"http://[fd00:ec2::254]/latest/":                   false,
		"http://10.1.2.3:8088/services/collector":          false,
		"https://[2001:db8::1]:8088/services/collector":    false,
		"https://inside.example/":                          false,
		"https://sts.aliyuncs.com/":                        true,
		"https://hec.example:8088/":                        true,
		"http://hec.example:8088/":                         true,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		by, err := through(u)
		if err != nil || (by != nil) != want {
			t.Errorf("%s: proxy %v, %v", raw, by, err)
		}
	}
}

func TestNothingToExtend(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy"} {
		t.Setenv(name, "")
	}
	if err := proxy.KeepDirect(); err != nil || os.Getenv("NO_PROXY") != "" {
		t.Errorf("without a proxy: NO_PROXY=%s, %v", os.Getenv("NO_PROXY"), err)
	}
	t.Setenv("HTTP_PROXY", "http://proxy:3128")
	t.Setenv("NO_PROXY", "*")
	if err := proxy.KeepDirect(); err != nil || os.Getenv("NO_PROXY") != "*" {
		t.Errorf("with all direct: NO_PROXY=%s, %v", os.Getenv("NO_PROXY"), err)
	}
}

// Go makes its requests without a proxy where it does not understand the address
// of one, and says nothing.
func TestNoAddress(t *testing.T) {
	const secret = "pr0xyS3cret"
	for _, tc := range []struct {
		value string
		ok    bool
	}{
		{"http://proxy:3128", true},
		{"http://proxy:3128/", true},
		{"proxy:3128", true},
		{"proxy", true},
		{"10.0.0.1:3128", true},
		{"[fd00::1]:3128", true},
		{"user:" + secret + "@proxy:3128", true},
		{"http://user:" + secret + "%25@proxy:3128", true},
		{"https://proxy", true},
		{"socks5://user:" + secret + "@proxy:1080", true},
		{"socks5h://proxy:1080", true},
		{"http://user:" + secret + "%zz@proxy:3128", false},
		{"http://user:" + secret + "/x@proxy:3128", false},
		{"http://user:" + secret + "#x@proxy:3128", false},
		{"http://user:" + secret + "?x@proxy:3128", false},
		{"http://user:" + secret + "@pro xy:3128", false},
		{"http://user:" + secret + "@proxy:99999", false},
		{"http://user:" + secret + "@:3128", false},
		{"ftp://user:" + secret + "@proxy:3128", false},
		{"http://", false},
		{"http://http://proxy:3128", false},
		{"http://proxy:3128,http://other:3128", false},
		{"none", true}, // a name like any other
	} {
		for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
			t.Run(name, func(t *testing.T) {
				for _, unset := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy"} {
					t.Setenv(unset, "")
				}
				t.Setenv(name, tc.value)
				err := proxy.KeepDirect()
				if (err == nil) != tc.ok || err != nil && (!strings.HasPrefix(err.Error(), name+": ") || strings.Contains(err.Error(), secret)) {
					t.Errorf("%s: %v", tc.value, err)
				}
				if u, parseErr := url.Parse("https://hec.example/"); tc.ok && parseErr == nil && strings.EqualFold(name, "HTTPS_PROXY") {
					if by, err := httpproxy.FromEnvironment().ProxyFunc()(u); by == nil || err != nil {
						t.Errorf("%s: Go takes it for none, %v", tc.value, err)
					}
				}
			})
		}
	}
}
