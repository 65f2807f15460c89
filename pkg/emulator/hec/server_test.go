package hec

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const channelA = "aaaaaaaa-0000-4000-8000-000000000000"

func tokens() []Token {
	return []Token{
		{Value: "plain"}, {Value: "off", Disabled: true},
		{Value: "main-only", Indexes: []string{"main"}}, {Value: "acks", UseACK: true},
	}
}

// ask sends one request; headers are "Name: value".
func ask(s *Server, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func gz(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

func TestAnswers(t *testing.T) {
	const (
		event   = "/services/collector/event"
		plain   = "Authorization: Splunk plain"
		success = `200 {"text":"Success","code":0}`
	)
	long := `{"event":"` + strings.Repeat("x", 300) + `"}`
	for _, tc := range []struct {
		name, method, path, body string
		headers                  []string
		want                     string
	}{
		{"one", "POST", event, `{"event":"a"}`, []string{plain}, success},
		{"other paths", "POST", "/services/collector", `{"event":1}{"event":{"a":1}} {"event":"x"}`, []string{plain}, success},
		{"version", "POST", event + "/1.0", "{\"event\":1}\n{\"event\":2}\n", []string{plain}, success},
		{"raw", "POST", "/services/collector/raw?host=h", "a\n\nb\r\n", []string{plain}, success},
		{"gzip", "POST", event, gz(`{"event":"a"}`), []string{plain, "Content-Encoding: gzip"}, success},
		{"basic", "POST", event, `{"event":"a"}`, []string{"Authorization: Basic eDpwbGFpbg=="}, success},
		{"all keys", "POST", event, `{"time":"1700000000.5","host":"h","source":"s","sourcetype":"st","index":"i","event":"a","fields":{"a":"b","n":[1,"c"]}}`, []string{plain}, success},

		{"disabled", "POST", event, `{"event":"a"}`, []string{"Authorization: Splunk off"}, `403 {"text":"Token disabled","code":1}`},
		{"no token", "POST", event, `{"event":"a"}`, nil, `401 {"text":"Token is required","code":2}`},
		{"scheme", "POST", event, `{"event":"a"}`, []string{"Authorization: Bearer plain"}, `401 {"text":"Invalid authorization","code":3}`},
		{"unknown", "POST", event, `{"event":"a"}`, []string{"Authorization: Splunk x"}, `403 {"text":"Invalid token","code":4}`},
		{"query", "POST", event + "?token=plain", `{"event":"a"}`, nil, `400 {"text":"Query string authorization is not enabled","code":16}`},
		{"empty", "POST", event, ``, []string{plain}, `400 {"text":"No data","code":5}`},
		{"empty gzip", "POST", event, ``, []string{plain, "Content-Encoding: gzip"}, `400 {"text":"No data","code":5}`},
		{"array", "POST", event, `[{"event":"a"}]`, []string{plain}, `400 {"text":"Invalid data format","code":6,"invalid-event-number":0}`},
		{"broken", "POST", event, `{"event":"a"}{"event":`, []string{plain}, `400 {"text":"Invalid data format","code":6,"invalid-event-number":1}`},
		{"time", "POST", event, `{"time":"noon","event":"a"}`, []string{plain}, `400 {"text":"Invalid data format","code":6,"invalid-event-number":0}`},
		{"too long", "POST", event, `{"event":"a"}` + long, []string{plain}, `400 {"text":"Invalid data format","code":6,"invalid-event-number":1}`},
		{"not gzip", "POST", event, `{"event":"a"}`, []string{plain, "Content-Encoding: gzip"}, `400 {"text":"Invalid data format","code":6}`},
		{"index", "POST", event, `{"event":"a","index":"main"}{"event":"a","index":"other"}`, []string{"Authorization: Splunk main-only"}, `400 {"text":"Incorrect index","code":7,"invalid-event-number":1}`},
		{"only fields", "POST", event, `{"fields":{"a":"b"}}`, []string{plain}, `400 {"text":"Event field is required","code":12,"invalid-event-number":0}`},
		{"blank", "POST", event, `{"event":"a"}{"event":""}`, []string{plain}, `400 {"text":"Event field cannot be blank","code":13,"invalid-event-number":1}`},
		{"empty object", "POST", event, `{"event":{ }}`, []string{plain}, `400 {"text":"Event field cannot be blank","code":13,"invalid-event-number":0}`},
		{"nested fields", "POST", event, `{"event":"a","fields":{"a":{"b":1}}}`, []string{plain}, `400 {"text":"Error in handling indexed fields","code":15,"invalid-event-number":0}`},
		{"nested list", "POST", event, `{"event":"a","fields":{"a":[[1]]}}`, []string{plain}, `400 {"text":"Error in handling indexed fields","code":15,"invalid-event-number":0}`},

		{"no channel", "POST", event, `{"event":"a"}`, []string{"Authorization: Splunk acks"}, `400 {"text":"Data channel is missing","code":10}`},
		{"bad channel", "POST", event + "?channel=7", `{"event":"a"}`, []string{"Authorization: Splunk acks"}, `400 {"text":"Invalid data channel","code":11}`},
		{"ack off", "POST", "/services/collector/ack?channel=" + channelA, `{"acks":[0]}`, []string{plain}, `400 {"text":"ACK is disabled","code":14}`},
		{"ack id", "POST", event, `{"event":"a"}`, []string{"Authorization: Splunk acks", "X-Splunk-Request-Channel: " + channelA}, `200 {"text":"Success","code":0,"ackId":0}`},

		{"health", "GET", "/services/collector/health", ``, nil, `200 {"text":"HEC is healthy","code":17}`},
		{"health, bad token", "GET", "/services/collector/health/1.0", ``, []string{"Authorization: Splunk x"}, `400 {"text":"Invalid token","code":21}`},
		{"health, disabled", "GET", "/services/collector/health", ``, []string{"Authorization: Splunk off"}, `400 {"text":"Token disabled","code":22}`},
		{"nowhere", "POST", "/services/other", ``, []string{plain}, `404 {"text":"The requested URL was not found on this server.","code":404}`},
		{"method", "GET", event, ``, []string{plain}, `405 <!doctype html>`},
		{"encoding", "POST", event, `x`, []string{plain, "Content-Encoding: br"}, `415 <!doctype html>`},
		{"large", "POST", event, strings.Repeat("x", 2000), []string{plain}, `413 <!doctype html>`},
		{"large once unpacked", "POST", event, gz(strings.Repeat(" ", 2000)), []string{plain, "Content-Encoding: gzip"}, `413 <!doctype html>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New(Options{Tokens: tokens(), MaxContentLength: 1000, MaxEventBytes: 200})
			w := ask(s, tc.method, tc.path, tc.body, tc.headers...)
			got := fmt.Sprintf("%d %s", w.Code, w.Body)
			if !strings.HasPrefix(got, tc.want) || strings.HasPrefix(tc.want, "4") && strings.Contains(tc.want, "{") && got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if w.Code >= 300 && s.Stats().Events != 0 {
				t.Error("a refused request left events behind")
			}
		})
	}
}

func TestRecordAndPartial(t *testing.T) {
	const body = `{"event":"a","fields":{"id":"1"}}{"event":"b","fields":{"id":2}}{"event":""}{"event":"c","fields":{"id":"3"}}`
	for _, partial := range []bool{false, true} {
		heard := 0
		s := New(Options{Tokens: tokens(), IDField: "id", Partial: partial, OmitEventNumber: true, OnAccept: func(e []Event) { heard += len(e) }})
		w := ask(s, "POST", "/services/collector", body, "Authorization: Splunk plain")
		if w.Body.String() != `{"text":"Event field cannot be blank","code":13}` {
			t.Error(w.Body)
		}
		n := map[bool]int{true: 2}[partial]
		if len(s.Counts()) != n || s.Accepted("2") != n/2 || s.Accepted("3") != 0 || heard != n || s.Stats().Refused != 1 {
			t.Errorf("partial %t: %v, heard %d", partial, s.Counts(), heard)
		}
		for range 2 {
			ask(s, "POST", "/services/collector", `{"event":"c","fields":{"id":"3"}}`, "Authorization: Splunk plain")
		}
		if s.Repeats() != 1 {
			t.Errorf("%d repeats", s.Repeats())
		}
	}
}

func TestAcks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Tokens: tokens(), AckDelay: time.Second})
		headers := []string{"Authorization: Splunk acks", "X-Splunk-Request-Channel: " + channelA}
		send := func(id, want string) {
			t.Helper()
			w := ask(s, "POST", "/services/collector", `{"event":"a","fields":{"sls_id":"`+id+`"}}`, headers...)
			if !strings.HasSuffix(w.Body.String(), `"ackId":`+want+`}`) {
				t.Errorf("%s, want ackId %s", w.Body, want)
			}
		}
		poll := func(want string, headers ...string) {
			t.Helper()
			w := ask(s, "POST", "/services/collector/ack", `{"acks":[0,1,9]}`, headers...)
			if w.Code != 200 || w.Body.String() != `{"acks":{`+want+`}}` {
				t.Errorf("got %s, want %s", w.Body, want)
			}
		}
		send("x", "0")
		poll(`"0":false,"1":false,"9":false`, headers...)
		time.Sleep(time.Second)
		send("y", "1")
		poll(`"0":false,"1":false,"9":false`, headers[0], "X-Splunk-Request-Channel: bbbbbbbb-0000-4000-8000-000000000000")
		poll(`"0":true,"1":false,"9":false`, headers...)
		poll(`"0":false,"1":false,"9":false`, headers...) // said once
		if !s.Acked("x") || s.Acked("y") {
			t.Error("acked: x", s.Acked("x"), "y", s.Acked("y"))
		}
		s.RestartAcks()
		time.Sleep(time.Second)
		poll(`"0":false,"1":false,"9":false`, headers...)
		s.Set(func(o *Options) { o.AckNever, o.AckDelay = true, 0 })
		send("z", "0")
		poll(`"0":false,"1":false,"9":false`, headers...)
		s.Set(func(o *Options) { o.AckNever = false })
		poll(`"0":true,"1":false,"9":false`, headers...)
	})
}

func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Tokens: tokens(), QueueEvents: 10, QueueRate: 5, BusyCode: 26, RetryAfter: 1500 * time.Millisecond})
		send := func(n int) *httptest.ResponseRecorder {
			return ask(s, "POST", "/services/collector", strings.Repeat(`{"event":1}`, n), "Authorization: Splunk plain")
		}
		if w := send(8); w.Code != 200 || !strings.Contains(w.Body.String(), `"code":0`) {
			t.Error(w.Body)
		}
		if w := send(3); w.Code != 429 || w.Header().Get("Retry-After") != "2" || !strings.Contains(w.Body.String(), `"code":26`) {
			t.Error(w.Code, w.Header(), w.Body)
		}
		time.Sleep(200 * time.Millisecond) // one event drains
		if w := send(3); w.Code != 200 || !strings.Contains(w.Body.String(), `"code":24`) {
			t.Error(w.Body)
		}
		time.Sleep(2 * time.Second)
		if w := send(50); w.Code != 200 { // larger than the queue, which is empty
			t.Error(w.Body)
		}
		s.Set(func(o *Options) { o.QueueEvents, o.Busy, o.BusyCode, o.RetryAfter = 0, true, 9, 0 })
		if w := send(1); w.Code != 503 || w.Header().Get("Retry-After") != "" || !strings.Contains(w.Body.String(), `"code":9`) {
			t.Error(w.Code, w.Body)
		}
		if w := ask(s, "GET", "/services/collector/health", ""); w.Code != 503 || !strings.Contains(w.Body.String(), `"code":18`) {
			t.Error(w.Body)
		}
	})
}

func TestCountOnlyAndRaw(t *testing.T) {
	s := New(Options{Tokens: tokens(), CountOnly: true})
	body := strings.Repeat("not even JSON\n", 1000)
	if w := ask(s, "POST", "/services/collector", gz(body), "Authorization: Splunk plain", "Content-Encoding: gzip"); w.Code != 200 {
		t.Error(w.Body)
	}
	if st := s.Stats(); st.Events != 1000 || st.Bytes != int64(len(body)) || st.Wire == 0 || st.Wire > st.Bytes {
		t.Errorf("%+v", st)
	}
	var got []string
	s = New(Options{Tokens: tokens(), OnAccept: func(e []Event) {
		for _, ev := range e {
			got = append(got, ev.Host+string(ev.Event))
		}
	}})
	ask(s, "POST", "/services/collector/raw/1.0?host=h", "a\n\"b\"\r\n", "Authorization: Splunk plain")
	if strings.Join(got, " ") != `h"a" h"\"b\""` {
		t.Error(got)
	}
}

func TestStartAndClose(t *testing.T) {
	s := New(Options{Tokens: tokens()}).Start()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/services/collector/health", nil)
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
	s.Close()
	s.Close()
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"event":"a"}`, `{"event":1}{"event":{"a":[1]}}`, `[{"event":1}]`, `{"event":null}`, `{"time":1e9,"event":-1,"fields":{"a":[1,"b"]}}`,
		`{"event":"","fields":{"a":{}}}`, "{\"event\":1}\x00", `null`, `5`, `{"event":1,"fields":{"sls_id":7}}`, `{"fields":{"":null},"event":0}`,
	} {
		f.Add([]byte(s))
	}
	o := Options{}.withDefaults()
	f.Fuzz(func(t *testing.T, body []byte) {
		events, code := o.parse(body, Token{})
		if code == 0 && len(events) == 0 {
			t.Fatal("nothing accepted")
		}
		for _, e := range events {
			if again, code := o.parse(e.Raw, Token{}); code != 0 || len(again) != 1 || again[0].ID != e.ID {
				t.Fatalf("%q was accepted within %q but not alone: code %d", e.Raw, body, code)
			}
		}
	})
}
