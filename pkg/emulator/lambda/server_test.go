package lambda_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/lambda"
)

// take asks for the next event and answers it with size bytes.
func take(t *testing.T, s *lambda.Server, path string, size int) int {
	t.Helper()
	base := "http://" + s.Address() + "/2018-06-01/runtime/invocation/"
	do := func(method, url string, body io.Reader) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, url, body)
		if err != nil {
			t.Error(err)
			return nil
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return nil
		}
		_ = resp.Body.Close()
		return resp
	}
	next := do(http.MethodGet, base+"next", nil)
	if next == nil {
		return 0
	}
	id := next.Header.Get("Lambda-Runtime-Aws-Request-Id")
	if resp := do(http.MethodPost, base+id+path, bytes.NewReader(make([]byte, size))); resp != nil {
		return resp.StatusCode
	}
	return 0
}

func TestAnswers(t *testing.T) {
	s := lambda.Start(lambda.Options{})
	defer s.Close()
	for _, tc := range []struct {
		path   string
		size   int
		status int
		failed bool
	}{
		{"/response", 10, http.StatusAccepted, false},
		{"/error", 10, http.StatusAccepted, true},
		{"/response", lambda.MaxAnswer, http.StatusAccepted, false},
		{"/response", lambda.MaxAnswer + 1, http.StatusRequestEntityTooLarge, true},
	} {
		status := make(chan int)
		go func() { status <- take(t, s, tc.path, tc.size) }()
		got, err := s.Invoke(t.Context(), []byte("{}"))
		if code := <-status; err != nil || got.Failed != tc.failed || code != tc.status {
			t.Errorf("%s of %d bytes: failed=%v, %v, status %d", tc.path, tc.size, got.Failed, err, code)
		}
	}
	if code := answerUnknown(t, s); code != http.StatusBadRequest {
		t.Errorf("an unknown request id is answered %d", code)
	}
}

func answerUnknown(t *testing.T, s *lambda.Server) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Address()+"/2018-06-01/runtime/invocation/other/response", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestNobodyThere(t *testing.T) {
	s := lambda.Start(lambda.Options{})
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Invoke(ctx, nil); err == nil {
		t.Error("an event was answered by nobody")
	}
}
