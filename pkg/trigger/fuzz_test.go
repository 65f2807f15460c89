package trigger_test

import (
	"errors"
	"testing"

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
}

func FuzzFromBytes(f *testing.F) {
	for _, s := range []string{``, `{}`, push, structured(`"data":` + push), `{"hello":1}`, `[`, `{"message":{}}`} {
		f.Add([]byte(s))
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
