package serve

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/config"
)

// Function Compute takes a run for done unless it is told otherwise in words of
// its own.
func TestFunctionComputeHearsOfFailures(t *testing.T) {
	for _, tc := range []struct {
		status  int
		request string // its id
		want    string
	}{
		{http.StatusOK, "req-1", "200"},
		{http.StatusInternalServerError, "req-1", "404"},
		{http.StatusServiceUnavailable, "req-1", "404"},
		{http.StatusBadRequest, "req-1", "404"},
		{http.StatusInternalServerError, "", ""}, // elsewhere
	} {
		next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, tc.status, failure{}) })
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/invoke", strings.NewReader("{}"))
		if tc.request != "" {
			r.Header.Set("X-Fc-Request-Id", tc.request)
		}
		w := httptest.NewRecorder()
		forFunctionCompute(next).ServeHTTP(w, r)
		if got := w.Result().Header.Get("X-Fc-Status"); got != tc.want || w.Code != tc.status || !w.Flushed {
			t.Errorf("%d: X-Fc-Status %q with %d, want %q", tc.status, got, w.Code, tc.want)
		}
	}
}

func TestPort(t *testing.T) {
	for _, tc := range []struct{ port, listen, server, want string }{
		{"", "", "", "8080"},
		{"1", "9000", "2", "1"},
		{"", "9000", "2", "9000"},
		{"", "", "2", "2"},
		{" 8081 ", "", "", "8081"},
		{"08081", "", "", "8081"},
		{" ", "9000", "", "9000"},
	} {
		t.Setenv("PORT", tc.port)
		t.Setenv("FC_CUSTOM_LISTEN_PORT", tc.listen)
		t.Setenv("FC_SERVER_PORT", tc.server)
		if got, err := port(); got != tc.want || err != nil {
			t.Errorf("%+v: %s, %v", tc, got, err)
		}
	}
	for _, value := range []string{"http", "abc", ":8080", "127.0.0.1:8080", "tcp://10.0.0.1:80", "-1", "0", "70000", "0x50", "8080;"} {
		t.Setenv("PORT", value)
		var faults config.Faults
		if got, err := port(); !errors.As(err, &faults) || faults[0].Var != "PORT" || !strings.Contains(err.Error(), "1 to 65535") {
			t.Errorf("%q: %s, %v", value, got, err)
		}
	}
}
