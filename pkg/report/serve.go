package report

import (
	"net"
	"net/http"
	"strconv"
)

// Handler serves a page to the browser of the machine it runs on: under the name
// of no other host, which a page elsewhere could have resolved to this one.
func Handler(html []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", policy+"; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !local(r.Host):
			http.Error(w, "this page is served to this machine alone", http.StatusMisdirectedRequest)
		case r.URL.Path != "/":
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "the page can be read", http.StatusMethodNotAllowed)
		default:
			h.Set("Content-Type", "text/html; charset=utf-8")
			h.Set("Content-Length", strconv.Itoa(len(html)))
			if r.Method == http.MethodGet {
				_, _ = w.Write(html) // whoever asked may have gone
			}
		}
	})
}

// local tells whether a request was made to this machine by a name of its own.
func local(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}
