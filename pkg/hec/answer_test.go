package hec

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestReadAnswer(t *testing.T) {
	page := "<!doctype html><html><body>413</body></html>"
	for _, tc := range []struct {
		status int
		body   string
		want   answer
	}{
		{200, `{"text":"Success","code":0}`, answer{code: 0, number: -1, ackID: -1, text: "Success"}},
		{200, `{"text":"Success","code":0,"ackId":0}`, answer{code: 0, number: -1, ackID: 0, text: "Success"}},
		{200, `{"text":"HEC queue is approaching capacity","code":24}`, answer{code: 24, number: -1, ackID: -1, slow: true, text: "HEC queue is approaching capacity"}},
		{204, ``, answer{code: -1, number: -1, ackID: -1}},
		{200, `ok`, answer{code: -1, number: -1, ackID: -1, text: "ok"}},
		{200, `{"text":"Succ`, answer{verdict: transient, code: -1, number: -1, ackID: -1, cut: true, uncertain: true}},
		{200, `{of some other make}`, answer{code: -1, number: -1, ackID: -1}},
		{200, page, answer{verdict: misconfigured, code: -1, number: -1, ackID: -1}},
		{200, `{"text":"Incorrect index","code":7,"invalid-event-number":0}`, answer{verdict: misconfigured, code: 7, number: 0, ackID: -1, text: "Incorrect index"}},
		{200, `{"text":"Invalid data format","code":6}`, answer{verdict: refused, code: 6, number: -1, ackID: -1, text: "Invalid data format"}},
		{200, `{"text":"Server is busy","code":9}`, answer{verdict: transient, code: 9, number: -1, ackID: -1, slow: true, uncertain: true, text: "Server is busy"}},
		{200, `{"text":"of a later version","code":99}`, answer{verdict: transient, code: 99, number: -1, ackID: -1, uncertain: true, text: "of a later version"}},
		{200, `{"code":200,"message":"a proxy's"}`, answer{code: -1, number: -1, ackID: -1}},
		{302, ``, answer{verdict: misconfigured, code: -1, number: -1, ackID: -1}},
		{400, `{"text":"Invalid data format","code":6,"invalid-event-number":75}`, answer{verdict: refused, code: 6, number: 75, ackID: -1, text: "Invalid data format"}},
		{400, `{"text":"No data","code":5}`, answer{verdict: refused, code: 5, number: -1, ackID: -1, text: "No data"}},
		{400, `"Event field is required"`, answer{verdict: refused, code: 12, number: -1, ackID: -1, text: "Event field is required"}},
		{400, `{"text":"Incorrect index","code":7,"invalid-event-number":1}`, answer{verdict: misconfigured, code: 7, number: 1, ackID: -1, text: "Incorrect index"}},
		{400, `{"text":"Invalid data fo`, answer{verdict: transient, code: -1, number: -1, ackID: -1, cut: true, uncertain: true}},
		{400, page, answer{verdict: refused, code: -1, number: -1, ackID: -1}},
		{400, `{"text":"Server is busy","code":9}`, answer{verdict: transient, code: 9, number: -1, ackID: -1, slow: true, text: "Server is busy"}},
		{401, ``, answer{verdict: misconfigured, code: -1, number: -1, ackID: -1}},
		{403, `{"text":"Invalid token","code":4}`, answer{verdict: misconfigured, code: 4, number: -1, ackID: -1, text: "Invalid token"}},
		{403, `{"text":"x","code":6}`, answer{verdict: refused, code: 6, number: -1, ackID: -1, text: "x"}},
		{403, page, answer{verdict: refused, code: -1, number: -1, ackID: -1}},
		{404, page, answer{verdict: misconfigured, code: -1, number: -1, ackID: -1}},
		{405, page, answer{verdict: misconfigured, code: -1, number: -1, ackID: -1}},
		{413, page, answer{verdict: tooLarge, code: -1, number: -1, ackID: -1}},
		{406, page, answer{verdict: refused, code: -1, number: -1, ackID: -1}},
		{422, ``, answer{verdict: refused, code: -1, number: -1, ackID: -1}},
		{415, `{"text":"Unsupported Media Type","code":415}`, answer{verdict: refused, code: -1, number: -1, ackID: -1, text: "Unsupported Media Type"}},
		{429, page, answer{verdict: transient, code: -1, number: -1, ackID: -1, slow: true}},
		{500, `{"text":"Internal server error","code":8}`, answer{verdict: transient, code: 8, number: -1, ackID: -1, uncertain: true, text: "Internal server error"}},
		{502, page, answer{verdict: transient, code: -1, number: -1, ackID: -1, uncertain: true}},
		{503, `{"text":"Server is shutting down","code":23}`, answer{verdict: transient, code: 23, number: -1, ackID: -1, slow: true, text: "Server is shutting down"}},
	} {
		got := read(tc.status, http.Header{}, []byte(tc.body), nil, time.Now(), false)
		if (got.fix != "") != (got.verdict == misconfigured) {
			t.Errorf("%d %s: fix is %q", tc.status, tc.body, got.fix)
		}
		got.fix = ""
		tc.want.status = tc.status
		if got != tc.want {
			t.Errorf("%d %s:\n got %+v\nwant %+v", tc.status, tc.body, got, tc.want)
		}
	}
	for code := range fixes {
		if a := (answer{status: 400, code: code}); true {
			a.clientError()
			if a.verdict != misconfigured || a.fix != fixes[code] {
				t.Errorf("code %d: %+v", code, a)
			}
		}
	}
	if a := read(400, http.Header{}, []byte(`{"text":"Incorrect index","code":7,"invalid-event-number":3}`), nil, time.Now(), true); a.verdict != refused || a.number != 3 || a.fix != "" {
		t.Errorf("an index that is the event's own: %+v", a)
	}
	if a := read(400, http.Header{}, nil, errors.New("reset"), time.Now(), false); a.verdict != transient {
		t.Errorf("a 400 without its body: %+v", a)
	}
	if a := read(429, http.Header{"Retry-After": {"3"}}, nil, nil, time.Now(), false); a.after != 3*time.Second {
		t.Errorf("Retry-After: %+v", a)
	}
}

// Whatever the server says, reading it does not fail, and only a 2xx accepts.
func FuzzReadAnswer(f *testing.F) {
	f.Add(200, `{"text":"Success","code":0,"ackId":0}`)
	f.Add(400, `{"text":"Invalid data format","code":6,"invalid-event-number":-75}`)
	f.Add(400, `"No data"`)
	f.Add(503, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := read(status, http.Header{}, []byte(body), nil, time.Now(), false)
		if (a.verdict == accepted) && (status < 200 || status > 299) {
			t.Fatalf("%d %q: %+v", status, body, a)
		}
		if (a.fix != "") != (a.verdict == misconfigured) {
			t.Fatalf("%d %q: %+v", status, body, a)
		}
	})
}
