package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
)

// CheckEndpoint tells what is wrong with an http(s) base URL, or returns nil.
// Plain http goes to an IP literal or localhost (emulators, private endpoints)
// or where insecure says so; the name of the variable that allows it is
// insecureVar.
func CheckEndpoint(raw string, insecure bool, insecureVar string) error {
	u, err := url.Parse(raw)
	if err != nil {
		var where *url.Error // its text has all of raw, and that may hold a secret
		if errors.As(err, &where) {
			err = where.Err
		}
		return fmt.Errorf("not a URL: %w", err)
	}
	switch {
	case u.Host == "":
		return errors.New("not a URL with a host, such as https://host")
	case u.User != nil:
		return fmt.Errorf("credentials do not belong into a URL")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("%q: want https", u.Scheme)
	case insecure || IsLocal(u.Hostname()):
		return nil
	case insecureVar == "":
		return fmt.Errorf("plain http to %s would send secrets in the clear: use https", u.Hostname())
	}
	return fmt.Errorf("plain http to %s would send secrets in the clear: use https, or set %s=true", u.Hostname(), insecureVar)
}

// IsLocal tells whether host is an IP literal or localhost, which siemfeed
// dials as it is.
func IsLocal(host string) bool {
	return host == "localhost" || net.ParseIP(host) != nil
}
