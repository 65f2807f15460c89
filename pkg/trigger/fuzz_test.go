package trigger_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/go-cmp/cmp"

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
	if (e.Kind == trigger.PubSub || e.Kind == trigger.Message) && len(e.Data) == 0 {
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
	for _, s := range []string{``, `{}`, push, structured(`"data":` + push), `{"hello":1}`, `[`, `{"message":{}}`, `{"verify":{}}`, `{"from":"x"}`, pushOf(`{"verify":{"from":"2026-01-01T00:00:00Z"}}`)} {
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

func FuzzBinaryCloudEvent(f *testing.F) {
	f.Add("application/json", "1.0", "google.cloud.pubsub.topic.v1.messagePublished", "//pubsub", "1", "ce-subject", "s", push)
	f.Add("", "1.0", "google.cloud.storage.object.v1.finalized", "//storage", "1", "ce-time", "2026-01-01T00:00:00Z", string(testdata(f, "gcs-finalized")))
	f.Add("application/cloudevents+json", "", "", "", "", "", "", structured(`"data":`+push))
	f.Fuzz(func(t *testing.T, media, version, kind, source, id, name, value, body string) {
		r := post(body, map[string]string{
			"Content-Type": media, "ce-specversion": version, "ce-type": kind, "ce-id": id, "ce-source": source, name: value,
		})
		e, err := trigger.FromHTTP(r, 1<<20)
		check(t, e, err)
		if err == nil && strings.HasPrefix(e.Path, "cloudevent") && !strings.HasPrefix(media, "application/cloudevents") && e.ID != r.Header.Get("ce-id") {
			t.Fatalf("ID %q of %q", e.ID, id)
		}
	})
}

func FuzzStructuredCloudEvent(f *testing.F) {
	for _, data := range []string{`"data":` + push, `"data_base64":"e30="`, `"data":{},"data_base64":"e30="`, `"time":"now","data":{}`, `"data":null`, `"datacontenttype":"text/plain","data":"{}"`} {
		f.Add([]byte(structured(data)))
	}
	f.Add([]byte(`{"specversion":"1.0","specversion":"0.3"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := trigger.FromHTTP(post(string(body), structuredHeaders), 1<<20)
		check(t, e, err)
	})
}

// FuzzCloudEventModes holds that the same event is read alike in both modes.
func FuzzCloudEventModes(f *testing.F) {
	f.Add("1", "//pubsub.googleapis.com/projects/p/topics/t", []byte("{}"), []byte(`{"verify":{}}`))
	f.Add("é\x7f", "s", []byte(`{"message":`), []byte("\xff"))
	f.Fuzz(func(t *testing.T, id, source string, data, message []byte) {
		for _, data := range [][]byte{data, []byte(pushOf(string(message)))} {
			ce := event.New()
			ce.SetID(id)
			ce.SetSource(source)
			ce.SetType("google.cloud.pubsub.topic.v1.messagePublished")
			if err := ce.SetData("application/json", data); err != nil || ce.Validate() != nil {
				t.Skip("not an event at all")
			}
			var got [2]trigger.Event
			var errs [2]error
			for i, encode := range []func(context.Context) context.Context{binding.WithForceBinary, binding.WithForceStructured} {
				r := post("")
				if err := cehttp.WriteRequest(encode(t.Context()), binding.ToMessage(&ce), r); err != nil {
					t.Skip("cannot be sent in this mode")
				}
				got[i], errs[i] = trigger.FromHTTP(r, 1<<20)
				check(t, got[i], errs[i])
			}
			if json.Valid(data) && utf8.ValidString(id) && ((errs[0] == nil) != (errs[1] == nil) || !cmp.Equal(got[0], got[1])) {
				t.Fatalf("binary: %+v, %v\nstructured: %+v, %v", got[0], errs[0], got[1], errs[1])
			}
		}
	})
}
