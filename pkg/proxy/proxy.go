// Package proxy says what is reached directly although HTTP_PROXY or HTTPS_PROXY
// is set.
package proxy

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
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
// are read once. The error names the variable that holds no proxy's address: Go
// would go by it as if there were none.
func KeepDirect() error {
	set := false
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		value := os.Getenv(name)
		if value != "" && !isAddress(value) {
			return fmt.Errorf("%s: no proxy's address: want http://host:port or http://user:password@host:port, and what is neither a letter nor a digit in the password escaped, as %%40 for @ and %%25 for %%", name)
		}
		set = set || value != ""
	}
	if !set {
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

// isAddress tells whether Go understands a proxy's address, and as what was
// meant: one without a scheme, or with one that it does not know, it puts behind
// another http://, which leads to the host "http" (httpproxy.Config).
func isAddress(value string) bool {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		u, err = url.Parse("http://" + value)
	}
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	return slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme)
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
