package hec

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/hec"
)

func newTLS(t *testing.T) string {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestCheck(t *testing.T) {
	ack := []emulator.Token{{Value: testToken, UseACK: true}}
	for name, tc := range map[string]struct {
		srv  emulator.Options
		opts Options
		want string
	}{
		"fine":          {emulator.Options{}, Options{}, "health=ok token=ok index=unknown"},
		"fine with ack": {emulator.Options{}, Options{Ack: true}, "health=ok token=ok index=unknown ack=ok"},
		"wrong token":   {emulator.Options{Tokens: []emulator.Token{{Value: "x"}}}, Options{}, "health=failed token=failed index=failed"},
		"ack is off":    {emulator.Options{Tokens: []emulator.Token{{Value: testToken}}}, Options{Ack: true}, "health=ok token=ok index=unknown ack=failed"},
		"ack is on":     {emulator.Options{Tokens: ack}, Options{}, "health=ok token=failed index=failed"},
		"full":          {emulator.Options{HealthCode: 18}, Options{}, "health=failed token=ok index=unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := newPair(t, tc.srv, tc.opts)
			var got []string
			for _, f := range c.Check(t.Context(), "main", time.Minute) {
				got = append(got, f.What+"="+string(f.Status))
				if (f.Err != nil) != (f.Status == Failed) || f.Detail == "" || strings.Contains(f.Detail, testToken) {
					t.Errorf("%+v", f)
				}
			}
			if got := strings.Join(got, " "); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if s.Stats().Events != 0 {
				t.Error("something was indexed")
			}
		})
	}
	c := newClient(t, Options{URLs: []string{"https://gone"}, HTTPClient: &http.Client{Transport: inMemory{}}})
	if f := c.Health(t.Context()); len(f) != 1 || f[0].Status != Failed || !strings.Contains(f[0].Detail, "https://gone") {
		t.Errorf("%+v", f)
	}
}

func TestOptions(t *testing.T) {
	_, err := New(Options{
		URLs: []string{"splunk:8088", "https://user:pw@h", "https://h:8088", "https://h:8088/services/collector/event"}, Token: "Splunk sesame",
		Concurrency: -1, BatchBytes: -1,
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"URL 1", "URL 2", "twice", "without \"Splunk \"", "concurrency -1", "batch bytes -1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "pw") {
		t.Errorf("a secret is in %q", err)
	}
	if _, err := New(Options{}); err == nil || !strings.Contains(err.Error(), "no HEC URL") || !strings.Contains(err.Error(), "no HEC token") {
		t.Errorf("%v", err)
	}
	for in, want := range map[string]string{
		"https://h:8088": "https://h:8088",
		" https://h/ ":   "https://h",
		"https://h/hec/": "https://h/hec",
		"http://127.0.0.1:8088/services/collector/":     "http://127.0.0.1:8088",
		"https://h/p/services/collector/event/1.0":      "https://h/p",
		"https://http-inputs-x.splunkcloud.com:443/":    "https://http-inputs-x.splunkcloud.com:443",
		"https://h:8088/services/collector/raw?token=x": "",
		"ftp://h": "",
	} {
		if got, err := baseURL(in); got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestTokenIsNotPrinted(t *testing.T) {
	o := Options{URLs: []string{"https://h"}, Token: "sesame"}
	c := newClient(t, o)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "options", o, "client", c)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "options", o, "client", c)
	_, _ = fmt.Fprintf(&log, "%v %+v %#v %s %v %+v %#v", o, o, o, o, c, c, c)
	if strings.Contains(log.String(), "sesame") {
		t.Error(log.String())
	}
	if got := c.excerpt("token sesame: " + strings.Repeat("漢", 200)); strings.Contains(got, "sesame") || len(got) > 210 {
		t.Errorf("excerpt %q", got)
	}
}
