package trigger_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// check asserts what holds for any input at all.
func check(t *testing.T, e trigger.Event, err error) {
	t.Helper()
	if err != nil {
		var refused *trigger.Error
		if !errors.As(err, &refused) || refused.Reason == "" || refused.Status != 400 {
			t.Fatalf("%v: want a *trigger.Error", err)
		}
		return
	}
	if e.Kind == "" || e.Path == "" {
		t.Fatalf("%+v has no kind or path", e)
	}
	if e.Kind == trigger.PubSub && len(e.Data) == 0 {
		t.Fatalf("%+v has no data", e)
	}
	if (e.Kind == trigger.Objects) != (len(e.Notices) > 0) || (e.Kind == trigger.Logs) != (e.Range != nil) || (e.Kind == trigger.Verify) != (e.Span != nil) {
		t.Fatalf("%+v: kind and content disagree", e)
	}
	for _, n := range e.Notices {
		if e.PerMessage && n.MessageID == "" {
			t.Fatalf("%+v cannot be answered for", n)
		}
		if n.Err == nil && (n.Source == "" || n.Bucket == "" || n.Action == "" || !utf8.ValidString(n.Key)) {
			t.Fatalf("%+v is not a notice", n)
		}
		if n.Created && (n.Key == "" || n.Err != nil) {
			t.Fatalf("%+v names nothing to read", n)
		}
	}
}

func FuzzFromBytes(f *testing.F) {
	for _, s := range []string{``, `{}`, push, structured(`"data":` + push), `{"hello":1}`, `[`, `{"message":{}}`, `{"verify":{}}`, pushOf(`{"verify":{"from":"2026-01-01T00:00:00Z"}}`)} {
		f.Add([]byte(s))
	}
	for name := range envelopes {
		f.Add(testdata(f, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := trigger.FromBytes(body)
		check(t, e, err)
	})
}

func FuzzCloudEvent(f *testing.F) {
	f.Add("application/json", "1.0", "google.cloud.pubsub.topic.v1.messagePublished", push)
	f.Add("application/cloudevents+json", "", "", structured(`"data":`+push))
	f.Fuzz(func(t *testing.T, media, version, kind, body string) {
		r := post(body, map[string]string{
			"Content-Type": media, "ce-specversion": version, "ce-type": kind, "ce-id": "1", "ce-source": "s",
		})
		e, err := trigger.FromHTTP(r, 1<<20)
		check(t, e, err)
	})
}
