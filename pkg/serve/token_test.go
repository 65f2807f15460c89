package serve

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/config"
)

func TestRequireToken(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, tc := range []struct {
		token, method, header string
		want                  int
	}{
		{"", http.MethodPost, "", http.StatusNoContent},
		{"t0ken", http.MethodPost, "Bearer t0ken", http.StatusNoContent},
		{"t0ken", http.MethodPost, "bearer  t0ken", http.StatusNoContent},
		{"t0ken", http.MethodPost, "", http.StatusUnauthorized},
		{"t0ken", http.MethodPost, "t0ken", http.StatusUnauthorized},
		{"t0ken", http.MethodPost, "Basic t0ken", http.StatusUnauthorized},
		{"t0ken", http.MethodPost, "Bearer t0ken2", http.StatusUnauthorized},
		{"t0ken", http.MethodPost, "Bearer ", http.StatusUnauthorized},
		{"t0ken", http.MethodGet, "", http.StatusNoContent}, // /healthz
	} {
		t.Run(fmt.Sprint(tc.method, " ", tc.header), func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), tc.method, "/", strings.NewReader("{}"))
			if tc.header != "" {
				r.Header.Set("Authorization", tc.header)
			}
			w := httptest.NewRecorder()
			requireToken(config.Secret(tc.token), next).ServeHTTP(w, r)
			body, _ := io.ReadAll(w.Body)
			if w.Code != tc.want || (tc.token != "" && strings.Contains(string(body), tc.token)) {
				t.Errorf("answered %d %s, want %d", w.Code, body, tc.want)
			}
		})
	}
}
