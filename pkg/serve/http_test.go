package serve_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// call returns the status, 0 if nothing answered.
func call(t *testing.T, method, url, token, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestHTTP(t *testing.T) {
	const token = "t0ken-of-the-test"
	port := freePort(t)
	url := "http://127.0.0.1:" + port
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SERVE_AS_FUNCTION=1", "PORT="+port, "FUNCTION_TOKEN="+token)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if call(t, http.MethodGet, url+"/healthz", "", "") == http.StatusOK {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, tc := range []struct {
		method, path, token, body string
		want                      int
	}{
		{http.MethodGet, "/healthz", "", "", 200},
		{http.MethodPost, "/", "", "{}", 401},
		{http.MethodPost, "/invoke", "wrong", "{}", 401},
		{http.MethodPost, "/", token, "{}", 200},
		{http.MethodPost, "/invoke", token, "{}", 200},
		{http.MethodPost, "/", token, `{"hello":1}`, 400},
		{http.MethodPost, "/", token, s3Notice("fails"), 500},
		{http.MethodPost, "/", token, s3Notice("panics"), 500},
		{http.MethodPost, "/", token, `{"message":{"data":"eyJ3YW50IjoicGFydGlhbCJ9"},"subscription":"s"}`, 503},
		{http.MethodGet, "/", token, "", 405},
	} {
		t.Run(fmt.Sprint(tc.method, tc.path, tc.want), func(t *testing.T) {
			if got := call(t, tc.method, url+tc.path, tc.token, tc.body); got != tc.want {
				t.Errorf("%s: answered %d, want %d", tc.body, got, tc.want)
			}
		})
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(log.String(), "closed") {
		t.Errorf("SIGTERM: %v; the log: %s", err, &log)
	}
	if strings.Contains(log.String(), token) {
		t.Errorf("the token is in the log: %s", &log)
	}
}
