// Package proxy says what is reached directly although HTTP_PROXY or HTTPS_PROXY
// is set.
package proxy

import (
	"cmp"
	"os"
	"strings"
)

// direct is what no proxy is asked for, in NO_PROXY's words
// (golang.org/x/net/http/httpproxy). What is given as an IP address is an
// emulator, a private endpoint or the metadata service of the machine itself
// (Google and AWS 169.254.169.254, ECS 169.254.170.2, EKS 169.254.170.23,
// Alibaba Cloud 100.100.100.200): dialled as it is. The names are those of
// Google's.
var direct = []string{"0.0.0.0/0", "::/0", "metadata.google.internal", "metadata.goog"}

// KeepDirect makes the process reach metadata services, and all that is named by
// an IP address, without a proxy: a proxy cannot reach the first, and would see
// the identity tokens and keys they hand out. It extends NO_PROXY, which every
// cloud's library reads. Call it before the first request, since the variables
// are read once.
func KeepDirect() error {
	if cmp.Or(os.Getenv("HTTP_PROXY"), os.Getenv("http_proxy"), os.Getenv("HTTPS_PROXY"), os.Getenv("https_proxy")) == "" {
		return nil
	}
	// Libraries disagree on which of the two counts where both are set.
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		hosts := cmp.Or(os.Getenv(name), os.Getenv("NO_PROXY"), os.Getenv("no_proxy"))
		if err := os.Setenv(name, extend(hosts)); err != nil {
			return err
		}
	}
	return nil
}

func extend(hosts string) string {
	if strings.TrimSpace(hosts) == "*" {
		return hosts
	}
	list := direct
	if host := os.Getenv("GCE_METADATA_HOST"); host != "" {
		list = append(list[:len(list):len(list)], host)
	}
	for _, host := range list {
		if !strings.Contains(","+hosts+",", ","+host+",") {
			hosts = strings.TrimPrefix(hosts+","+host, ",")
		}
	}
	return hosts
}
