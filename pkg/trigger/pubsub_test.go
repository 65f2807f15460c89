package trigger_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// push is the body Pub/Sub sends: camel and snake case duplicates included.
const push = `{"subscription":"projects/p/subscriptions/s","message":{
 "data":"eyJmcm9tIjoiMjAyNi0wMS0wMVQwMDowMDowMFoifQ==","attributes":{"origin":"scheduler"},
 "messageId":"11","message_id":"11","publishTime":"2026-01-01T00:00:00.5Z","publish_time":"2026-01-01T00:00:00.5Z","orderingKey":""}}`

const pushed = `{"from":"2026-01-01T00:00:00Z"}`

var pubSubHeaders = map[string]string{
	"Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "ce-1",
	"ce-type":   "google.cloud.pubsub.topic.v1.messagePublished",
	"ce-source": "//pubsub.googleapis.com/projects/p/topics/t", "ce-time": "2026-01-01T00:00:00.5Z",
}

func post(body string, headers ...map[string]string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	for _, h := range headers {
		for k, v := range h {
			r.Header.Set(k, v)
		}
	}
	return r
}

func structured(data string) string {
	return `{"specversion":"1.0","id":"ce-1","type":"google.cloud.pubsub.topic.v1.messagePublished",
	  "source":"//pubsub.googleapis.com/projects/p/topics/t","datacontenttype":"application/json",` + data + `}`
}

var structuredHeaders = map[string]string{"Content-Type": "application/cloudevents+json; charset=utf-8"}

func TestPubSub(t *testing.T) {
	origin := map[string]string{"origin": "scheduler"}
	published := time.Date(2026, 1, 1, 0, 0, 0, 5e8, time.UTC)
	for name, tc := range map[string]struct {
		request *http.Request
		want    trigger.Event
	}{
		"binary": {
			post(push, pubSubHeaders),
			trigger.Event{Kind: trigger.PubSub, Path: "cloudevent > pubsub", ID: "ce-1", Data: []byte(pushed), Attributes: origin, Published: published},
		},
		"structured": {
			post(structured(`"data":`+push), structuredHeaders),
			trigger.Event{Kind: trigger.PubSub, Path: "cloudevent > pubsub", ID: "ce-1", Data: []byte(pushed), Attributes: origin, Published: published},
		},
		"structured, base64": {
			post(structured(`"data_base64":"eyJtZXNzYWdlIjp7ImRhdGEiOiJlMzA9In19"`), structuredHeaders),
			trigger.Event{Kind: trigger.PubSub, Path: "cloudevent > pubsub", ID: "ce-1", Data: []byte(`{}`)},
		},
		"structured, told by its shape": {
			post(structured(`"data":` + push)),
			trigger.Event{Kind: trigger.PubSub, Path: "cloudevent > pubsub", ID: "ce-1", Data: []byte(pushed), Attributes: origin, Published: published},
		},
		"plain push": {
			post(push),
			trigger.Event{Kind: trigger.PubSub, Path: "pubsub", ID: "11", Data: []byte(pushed), Attributes: origin, Published: published},
		},
		"snake case only": {
			post(`{"subscription":"s","message":{"data":"aGk=","message_id":"12","publish_time":"2026-01-01T00:00:00.5Z"}}`),
			trigger.Event{Kind: trigger.PubSub, Path: "pubsub", ID: "12", Data: []byte("hi"), Published: published},
		},
		"attributes only": {
			post(`{"message":{"attributes":{"origin":"scheduler"},"messageId":"13"}}`),
			trigger.Event{Kind: trigger.PubSub, Path: "pubsub", ID: "13", Data: []byte("{}"), Attributes: origin},
		},
		"binary, empty message": {
			post(`{"message":{}}`, pubSubHeaders),
			trigger.Event{Kind: trigger.PubSub, Path: "cloudevent > pubsub", ID: "ce-1", Data: []byte("{}")},
		},
		"empty body":  {post(""), trigger.Event{Kind: trigger.Tick, Path: "empty"}},
		"white space": {post(" \r\n"), trigger.Event{Kind: trigger.Tick, Path: "empty"}},
		"{}":          {post(" {} "), trigger.Event{Kind: trigger.Tick, Path: "empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trigger.FromHTTP(tc.request, 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	without := func(header string) map[string]string {
		h := map[string]string{}
		for k, v := range pubSubHeaders {
			h[k] = v
		}
		delete(h, header)
		return h
	}
	with := func(header, value string) map[string]string {
		h := without("")
		h[header] = value
		return h
	}
	for name, tc := range map[string]struct {
		request *http.Request
		status  int
		message string // a part of it
	}{
		"unknown key":               {post(`{"hello":1}`), 400, `only the key "hello"`},
		"broken JSON":               {post(`{"message":`), 400, "broken JSON at byte 11 of 11"},
		"two values":                {post(`{}{}`), 400, "broken JSON"},
		"not JSON":                  {post(`hello`), 400, "broken JSON at byte 1"},
		"null":                      {post(`null`), 400, "not null"},
		"a list":                    {post(`[{}]`), 400, "not an array"},
		"a number":                  {post(`7`), 400, "not a number"},
		"many keys":                 {post(`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}`), 400, "and 2 more"},
		"push of nothing":           {post(`{"message":{}}`), 400, "names no subscription"},
		"push of text":              {post(`{"message":"hi"}`), 400, "message cannot be a string"},
		"push of null":              {post(`{"subscription":"s","message":null}`), 400, `"message" is missing`},
		"data not base64":           {post(`{"message":{"data":"{}"}}`), 400, "not base64"},
		"other letter case":         {post(`{"Message":{"data":"e30="}}`), 400, `only the key "Message"`},
		"unknown ce-type":           {post(push, with("ce-type", "com.example.hello")), 400, `no trigger sends type "com.example.hello"`},
		"no ce-type":                {post(push, without("ce-type")), 400, `"type" is missing`},
		"no ce-id":                  {post(push, without("ce-id")), 400, `"id" is missing`},
		"old ce-specversion":        {post(push, with("ce-specversion", "0.3")), 400, `specversion "0.3"`},
		"binary without data":       {post("", pubSubHeaders), 400, "no data"},
		"binary without message":    {post(`{}`, pubSubHeaders), 400, `"message" is missing`},
		"structured, next version":  {post(`{"specversion":"2.0"}`, structuredHeaders), 400, `specversion "2.0"`},
		"structured, not an object": {post(`[]`, structuredHeaders), 400, "not an array"},
		"structured, wrong time":    {post(structured(`"time":"now","data":{}`), structuredHeaders), 400, "not as of the specification"},
		"binary, wrong time":        {post(push, with("ce-time", "now")), 400, "not as of the specification"},
		"structured without type":   {post(`{"specversion":"1.0"}`, structuredHeaders), 400, `"type" is missing`},
		"structured, data twice":    {post(structured(`"data":{},"data_base64":"e30="`), structuredHeaders), 400, "both"},
		"a batch":                   {post(`[]`, map[string]string{"Content-Type": "application/cloudevents-batch+json"}), 400, "cloudevents-batch+json"},
		"too large":                 {post(`{"message":"` + strings.Repeat("x", 2000) + `"}`), 413, "limit of 1000 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := trigger.FromHTTP(tc.request, 1000)
			var refused *trigger.Error
			if !errors.As(err, &refused) || !retry.IsPermanent(err) {
				t.Fatalf("%+v, %v: want a permanent *trigger.Error", got, err)
			}
			if refused.Status != tc.status || !strings.Contains(err.Error(), tc.message) {
				t.Errorf("%d %v: want %d and %q", refused.Status, err, tc.status, tc.message)
			}
		})
	}
}

func TestRefusalShowsNoValue(t *testing.T) {
	for _, body := range []string{
		`{"token":"s3cret"}`, `{"message":"s3cret"}`, `s3cret`, `{"message":{"data":"s3cret!"}}`, `"s3cret"`,
		structured(`"time":"s3cret","data":{}`), structured(`"s3cret_":"x","data":{}`), structured(`"datacontenttype":"s3cret","data":{}`),
		structured(`"datacontenttype":"application/s3cret","data":{}`), structured(`"data_base64":"s3cret!"`), `{"specversion":"1.0","id":["s3cret"]}`,
	} {
		if _, err := trigger.FromBytes([]byte(body)); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestUnreadableBodyIsNotRefused(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", iotest.ErrReader(errors.New("cut off")))
	_, err := trigger.FromHTTP(r, 0)
	var refused *trigger.Error
	if err == nil || errors.As(err, &refused) || retry.IsPermanent(err) {
		t.Errorf("%v: want a transient error", err)
	}
}

func TestIsTick(t *testing.T) {
	for body, want := range map[string]bool{
		``:                                true,
		`{}`:                              true,
		`{"message":{"data":"e30="}}`:     true, // {}
		`{"message":{"data":"IHt9Cg=="}}`: true, // {} among white space
		`{"message":{"messageId":"1"}}`:   true,
		`{"message":{"data":"eyJmcm9tIjoxfQ=="}}`: false,
		`{"message":{"data":"aGk="}}`:             false,
	} {
		e, err := trigger.FromBytes([]byte(body))
		if err != nil || e.IsTick() != want {
			t.Errorf("%s: tick %v, want %v (%v)", body, e.IsTick(), want, err)
		}
	}
}
