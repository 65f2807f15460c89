package trigger_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/siemfeed/siemfeed/pkg/trigger"
)

func pushOf(data string) string {
	return `{"subscription":"s","message":{"messageId":"9","data":"` + base64.StdEncoding.EncodeToString([]byte(data)) + `"}}`
}

func TestVerify(t *testing.T) {
	const asked = `{"verify":{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}}`
	span := trigger.Span{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
	for name, tc := range map[string]struct {
		request *http.Request
		want    trigger.Event
	}{
		"raw":           {post(` {"verify":{}} `), trigger.Event{Path: "verify", Span: &trigger.Span{}}},
		"raw, a span":   {post(asked), trigger.Event{Path: "verify", Span: &span}},
		"one bound":     {post(`{"verify":{"to":"2026-01-02T01:00:00+01:00"}}`), trigger.Event{Path: "verify", Span: &trigger.Span{To: span.To}}},
		"plain push":    {post(pushOf(asked)), trigger.Event{Path: "pubsub > verify", ID: "9", Span: &span}},
		"binary":        {post(pushOf(asked), pubSubHeaders), trigger.Event{Path: "cloudevent > pubsub > verify", ID: "ce-1", Span: &span}},
		"structured":    {post(structured(`"data":`+pushOf(asked)), structuredHeaders), trigger.Event{Path: "cloudevent > pubsub > verify", ID: "ce-1", Span: &span}},
		"timer payload": {post(`{"triggerTime":"t","triggerName":"n","payload":"{\"verify\":{}}"}`), trigger.Event{Path: "timer > verify", Span: &trigger.Span{}}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.want.Kind = trigger.Verify
			got, err := trigger.FromHTTP(tc.request, 0)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

func TestVerifyRefused(t *testing.T) {
	for body, message := range map[string]string{
		`{"verify":{"since":"2026-01-01T00:00:00Z"}}`: `only the key "since"`,
		`{"verify":{"From":"2026-01-01T00:00:00Z"}}`:  `only the key "From"`,
		`{"verify":{},"orgs":["x"]}`:                  `"orgs"`,
		`{"verify":null}`:                             "not null",
		`{"verify":true}`:                             "not a bool",
		`{"verify":{"from":"yesterday"}}`:             "from is not a time",
		`{"verify":{"to":null}}`:                      "to is not a time",
		`{"verify":{"from":"2026-01-02T00:00:00Z","to":"2026-01-02T00:00:00Z"}}`:         "not before",
		pushOf(`{"verify":{"deep":true}}`):                                               `only the key "deep"`,
		`{"triggerTime":"t","triggerName":"n","payload":"{\"verify\":{\"deep\":true}}"}`: `only the key "deep"`,
	} {
		_, err := trigger.FromBytes([]byte(body))
		var refused *trigger.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v, want %q", body, err, message)
		}
	}
}
