package proxy_test

import (
	"net/url"
	"os"
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
