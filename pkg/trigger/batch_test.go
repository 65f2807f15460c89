package trigger_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

func marshal(t require, v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	return string(out)
}

type require interface{ Fatalf(string, ...any) }

// Whatever a queue holds, each message is answered for, and a readable one
// keeps its content through every envelope around it.
func TestEveryMessageIsAnsweredFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.StringMatching(`[ -~äß日]{1,20}`)
		type record = map[string]any
		var records []record
		want := map[string]string{} // message id → key, empty if unreadable
		for i := range rapid.IntRange(1, 8).Draw(t, "messages") {
			id, key := fmt.Sprint("m", i), keys.Draw(t, "key")
			want[id] = key
			body := marshal(t, record{"action": "PutObject", "bucket": "b", "object": record{"key": key, "size": 1}})
			if rapid.Bool().Draw(t, "junk") {
				want[id] = ""
				body = rapid.String().Draw(t, "body")
			}
			for range rapid.IntRange(0, 3).Draw(t, "sns") {
				body = marshal(t, record{"Type": "Notification", "MessageId": "inner", "Message": body})
			}
			records = append(records, record{"messageId": id, "body": body, "eventSource": "aws:sqs"})
		}
		e, err := trigger.FromBytes([]byte(marshal(t, record{"Records": records})))
		if err != nil || !e.PerMessage || len(e.Notices) != len(want) {
			t.Fatalf("%+v, %v", e, err)
		}
		for _, n := range e.Notices {
			key, ok := want[n.MessageID]
			if !ok || n.Key != key || (n.Err != nil) != (key == "") {
				t.Fatalf("%+v: want key %q", n, key)
			}
		}
	})
}

func TestFromMessage(t *testing.T) {
	want := in("m1", 2, r2("PutObject", key, 65536, "c846ff7a18f28c2e262116d6e8719ef0", true))
	if diff := cmp.Diff([]trigger.Notice{want}, trigger.FromMessage("m1", 2, testdata(t, "r2-put"))); diff != "" {
		t.Error(diff)
	}
	for body, message := range map[string]string{"": "a tick where", "{}": "a tick where", "[": "broken JSON", push: "a pubsub where"} {
		got := trigger.FromMessage("m1", 2, []byte(body))
		if len(got) != 1 || got[0].MessageID != "m1" || got[0].Attempts != 2 || string(got[0].Raw) != body ||
			!retry.IsPermanent(got[0].Err) || !strings.Contains(got[0].Err.Error(), message) {
			t.Errorf("%q: %+v", body, got)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	body := string(testdata(t, "r2-put"))
	for depth := 1; depth <= 6; depth++ {
		body = marshal(t, map[string]string{"Type": "Notification", "MessageId": "1", "Message": body})
		_, err := trigger.FromBytes([]byte(body))
		if tooDeep := err != nil && strings.Contains(err.Error(), "nested more than 4 deep"); tooDeep != (depth > 4) {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}

func TestAnswerOfNoFailuresIsAnEmptyList(t *testing.T) {
	a := trigger.Answer{BatchItemFailures: []trigger.Failure{}}
	if got := marshal(t, a); got != `{"batchItemFailures":[]}` {
		t.Error(got)
	}
	a.BatchItemFailures = append(a.BatchItemFailures, trigger.Failure{ItemIdentifier: "m1"})
	if got := marshal(t, a); got != `{"batchItemFailures":[{"itemIdentifier":"m1"}]}` {
		t.Error(got)
	}
}
