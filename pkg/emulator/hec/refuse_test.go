package hec

import (
	"bytes"
	"strings"
	"testing"
)

// What refuses bodies on the way, and a queue that is full in the middle of one.
func TestRefusals(t *testing.T) {
	const event = "/services/collector/event"
	three := `{"event":1,"fields":{"sls_id":"a"}}{"event":2,"fields":{"sls_id":"b"}}{"event":3,"fields":{"sls_id":"c"}}`
	for _, tc := range []struct {
		name     string
		o        Options
		body     string
		gzip     bool
		want     string // how the answer begins
		accepted int
	}{
		{"busy after two", Options{BusyAfter: func(int) int { return 2 }}, three, false, `503 {"text":"Server is busy","code":9,"invalid-event-number":2}`, 2},
		{"busy at once", Options{BusyAfter: func(int) int { return 0 }}, three, false, `503 {"text":"Server is busy","code":9,"invalid-event-number":0}`, 0},
		{"not busy", Options{BusyAfter: func(n int) int { return n }}, three, false, `200 {"text":"Success","code":0}`, 3},
		{"no gzip", Options{Gzip: RefusesGzip}, three, true, "415 <!doctype html>", 0},
		{"no gzip needed", Options{Gzip: RefusesGzip}, three, false, `200 {"text":"Success","code":0}`, 3},
		{"packed bytes as text", Options{Gzip: LosesEncoding}, three, true, `400 {"text":"Invalid data format","code":6,"invalid-event-number":0}`, 0},
		{"firewall", Options{Firewall: blocks("2,")}, three, true, "403 <!doctype html>", 0},
		{"firewall lets through", Options{Firewall: blocks("x")}, three, true, `200 {"text":"Success","code":0}`, 3},
		{"every answer 200", Options{AlwaysOK: true}, "[]", false, `200 {"text":"Invalid data format","code":6,"invalid-event-number":0}`, 0},
		{"busy with 200", Options{AlwaysOK: true, Busy: true}, three, false, `200 {"text":"Server is busy","code":9}`, 0},
	} {
		tc.o.Tokens = tokens()
		s := New(tc.o)
		headers := []string{"Authorization: Splunk plain"}
		if tc.gzip {
			tc.body = gz(tc.body)
			headers = append(headers, "Content-Encoding: gzip")
		}
		w := ask(s, "POST", event, tc.body, headers...)
		if got := w.Result().Status[:4] + w.Body.String(); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
		if n := len(s.Counts()); n != tc.accepted {
			t.Errorf("%s: %d accepted, want %d", tc.name, n, tc.accepted)
		}
	}
}

func blocks(text string) func([]byte) int {
	return func(body []byte) int {
		if bytes.Contains(body, []byte(text)) {
			return 403
		}
		return 0
	}
}
