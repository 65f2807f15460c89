package serve_test

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// SIGTERM ends the run under way, which is still answered, and the process.
func TestProcessStopsInOrder(t *testing.T) {
	p := proctest.Start(t, os.Args[0], map[string]string{"SERVE_AS_FUNCTION": "1"})
	for path, want := range map[string]string{"/health": `{"status":"ok"}`, "/healthz": `{"status":"ok"}`} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != http.StatusOK || resp.ContentLength != int64(len(want)+1) {
			t.Errorf("%s: %+v, %v", path, resp, err)
		}
		_ = resp.Body.Close()
	}
	if status, body, err := p.Post(t.Context(), `{"verify":{}}`, nil); err != nil || status != http.StatusOK || !strings.Contains(string(body), `"checked":1,"findings":0`) {
		t.Errorf("verify: %d %s %v", status, body, err)
	}
	type reply struct {
		status int
		body   string
		err    error
	}
	answered := make(chan reply, 1)
	go func() {
		status, body, err := p.Post(t.Context(), s3Notice("slow"), nil)
		answered <- reply{status, string(body), err}
	}()
	for !strings.Contains(p.Output(), "waiting") {
		time.Sleep(time.Millisecond)
	}
	if err := p.Stop(syscall.SIGTERM, time.Minute); err != nil {
		t.Error(err)
	}
	got := <-answered
	if got.err != nil || got.status != http.StatusInternalServerError || !strings.Contains(got.body, `"error":"context canceled"`) {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(p.Output(), "closed") {
		t.Errorf("not closed: %s", p.Output())
	}
}

func TestProcessWithoutItsPort(t *testing.T) {
	p := proctest.Start(t, os.Args[0], map[string]string{"SERVE_AS_FUNCTION": "1"})
	out, err := proctest.Run(t, os.Args[0], map[string]string{"SERVE_AS_FUNCTION": "1", "PORT": p.URL[strings.LastIndex(p.URL, ":")+1:]})
	if err == nil || !strings.Contains(out, "serve on PORT") || !strings.Contains(out, "closed") {
		t.Errorf("%v: %s", err, out)
	}
}

// A process whose log nobody reads any more stops in order, and as a failure: who
// watches over it is to start it again.
func TestProcessThatNobodyReads(t *testing.T) {
	log, stderr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := proctest.StartLogging(t, os.Args[0], stderr, map[string]string{"SERVE_AS_FUNCTION": "1"})
	_ = stderr.Close() // ours
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	status, body, err := p.Post(t.Context(), `{}`, nil)
	if err != nil || status != http.StatusOK || !strings.Contains(string(body), `"status":"ok"`) {
		t.Errorf("the run whose record nobody reads: %d %s, %v", status, body, err)
	}
	if err := p.Wait(time.Minute); err == nil || !strings.HasPrefix(err.Error(), "exit status 1:") {
		t.Errorf("ended with %v", err)
	}
}
