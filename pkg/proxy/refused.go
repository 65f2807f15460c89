package proxy

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// RefusedError says that a proxy does not connect to where it was asked to: it
// wants a login, or has a rule against it. It is the proxy that answered, not
// who was to be reached.
type RefusedError struct {
	Proxy  string // host and port
	Target string // host and port that it was asked for
	Status string // as the proxy worded it
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the proxy %s refuses to connect to %s: %s", e.Proxy, e.Target, e.Status)
}

// Answered is a [http.Transport]'s OnProxyConnectResponse: it makes a
// [*RefusedError] of what is otherwise the bare text of a status.
func Answered(_ context.Context, by *url.URL, asked *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return &RefusedError{by.Host, asked.Host, answer.Status}
}

// Transport is a copy of the standard transport, whose errors tell what a proxy
// answered.
func Transport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // somebody has put another in its place
		t = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	t = t.Clone()
	t.OnProxyConnectResponse = Answered
	return t
}
