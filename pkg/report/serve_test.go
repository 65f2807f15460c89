package report_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/report"
)

// The page is shown to this machine alone, to be read and not to be framed, and
// with the policy that is in it.
func TestHandler(t *testing.T) {
	var html bytes.Buffer
	if err := (report.Page{Made: time.Now(), Version: "v1"}).Write(&html); err != nil {
		t.Fatal(err)
	}
	h := report.Handler(html.Bytes())
	ask := func(method, host, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "http://"+host+path, http.NoBody)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, host := range []string{"127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.0.0.1"} {
		if w := ask(http.MethodGet, host, "/"); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), html.Bytes()) {
			t.Errorf("%s: %d", host, w.Code)
		}
	}
	for _, host := range []string{"evil.example", "127.0.0.1.evil.example:8080", "192.0.2.1:80", "localhost.evil.example"} {
		if w := ask(http.MethodGet, host, "/"); w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "<") {
			t.Errorf("%s: %d %s", host, w.Code, w.Body)
		}
	}
	if w := ask(http.MethodHead, "localhost", "/"); w.Code != http.StatusOK || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := ask(http.MethodPost, "localhost", "/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
	if w := ask(http.MethodGet, "localhost", "/etc/passwd"); w.Code != http.StatusNotFound {
		t.Errorf("another path: %d", w.Code)
	}
	header := ask(http.MethodGet, "localhost", "/").Header()
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	csp := header.Get("Content-Security-Policy")
	own, framed := strings.CutSuffix(csp, "; frame-ancestors 'none'")
	if !framed || !strings.HasPrefix(own, "default-src 'none'; style-src 'sha256-") || strings.Contains(own, "unsafe") {
		t.Errorf("policy %q", csp)
	}
}
