package cfqueue_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type answer struct {
	Success bool
	Errors  []struct {
		Code    int
		Message string
	}
	Result struct {
		Backlog  int `json:"message_backlog_count"`
		Messages []struct {
			Attempts int
			LeaseID  string `json:"lease_id"`
			Body     string
			Metadata map[string]string
		}
		AckCount, RetryCount int
		Warnings             any
	}
}

func call(t *testing.T, s *cfqueue.Server, path, token, body string) (int, answer) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/client/v4/accounts"+path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	if a.Success != (w.Code == 200) || a.Success == (len(a.Errors) > 0) {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Code, a
}

func pull(t *testing.T, s *cfqueue.Server, queue string, visibility time.Duration) answer {
	t.Helper()
	_, a := call(t, s, "/account/queues/"+queue+"/messages/pull", "token",
		fmt.Sprintf(`{"batch_size":100,"visibility_timeout_ms":%d}`, visibility.Milliseconds()))
	return a
}

func ack(t *testing.T, s *cfqueue.Server, body string) answer {
	t.Helper()
	_, a := call(t, s, "/account/queues/q/messages/ack", "token", body)
	return a
}

func push(t *testing.T, q *cfqueue.Queue, body string) {
	t.Helper()
	if _, err := q.Push([]byte(body), cfqueue.JSON, 0); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	s := cfqueue.New(cfqueue.Options{ReadToken: "reader"})
	q := s.AddQueue("q", cfqueue.QueueOptions{})
	const messages = "/account/queues/q/messages"
	for name, tc := range map[string]struct {
		path, token, body string
		status, code      int
	}{
		"no token":           {messages + "/pull", "", `{}`, 400, 6003},
		"wrong token":        {messages + "/pull", "guess", `{}`, 401, 10000},
		"may only read":      {messages + "/pull", "reader", `{}`, 403, 10000},
		"other account":      {"/other/queues/q/messages/pull", "token", `{}`, 404, 7003},
		"other queue":        {"/account/queues/x/messages/pull", "token", `{}`, 404, 11000},
		"other path":         {messages + "/peek", "token", `{}`, 404, 7003},
		"batch too large":    {messages + "/pull", "token", `{"batch_size":101}`, 400, 10026},
		"batch of none":      {messages + "/pull", "token", `{"batch_size":0}`, 400, 10026},
		"visibility too far": {messages + "/pull", "token", `{"visibility_timeout_ms":43200001}`, 400, 10026},
		"delay too far":      {messages + "/ack", "token", `{"retries":[{"lease_id":"x","delay_seconds":43201}]}`, 400, 10026},
		"not JSON":           {messages + "/ack", "token", `{`, 400, 10002},
		"message too large":  {messages, "token", `{"body":"` + strings.Repeat("x", 128<<10) + `"}`, 400, 10026},
		"message of v8":      {messages, "token", `{"body":"x","content_type":"v8"}`, 400, 10026},
		"message of nothing": {messages, "token", `{}`, 400, 10026},
	} {
		status, a := call(t, s, tc.path, tc.token, tc.body)
		if status != tc.status || a.Errors[0].Code != tc.code {
			t.Errorf("%s: %d %+v, want %d %d", name, status, a.Errors, tc.status, tc.code)
		}
	}
	if q.Counts() != (cfqueue.Counts{}) {
		t.Errorf("a refusal changed something: %+v", q.Counts())
	}
}

func TestContentTypes(t *testing.T) {
	s := cfqueue.New(cfqueue.Options{})
	q := s.AddQueue("q", cfqueue.QueueOptions{})
	for _, kind := range []string{cfqueue.JSON, cfqueue.Text, cfqueue.Bytes, cfqueue.V8} {
		if _, err := q.Push([]byte(`{"a":1}`), kind, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range pull(t, s, "q", time.Minute).Result.Messages {
		want := base64.StdEncoding.EncodeToString([]byte(`{"a":1}`))
		if m.Metadata["CF-Content-Type"] == cfqueue.Text {
			want = `{"a":1}`
		}
		if m.Body != want {
			t.Errorf("%v: %s", m.Metadata, m.Body)
		}
	}
}

func TestLeaseHidesUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := cfqueue.New(cfqueue.Options{})
		q := s.AddQueue("q", cfqueue.QueueOptions{})
		push(t, q, "1")
		first := pull(t, s, "q", time.Minute)
		if len(first.Result.Messages) != 1 || first.Result.Messages[0].Attempts != 1 || first.Result.Backlog != 1 {
			t.Fatalf("%+v", first)
		}
		time.Sleep(time.Minute - 1)
		if a := pull(t, s, "q", time.Minute); len(a.Result.Messages) != 0 || a.Result.Backlog != 1 {
			t.Fatalf("visible too early: %+v", a)
		}
		time.Sleep(time.Nanosecond)
		second := pull(t, s, "q", time.Minute)
		if len(second.Result.Messages) != 1 || second.Result.Messages[0].Attempts != 2 {
			t.Fatalf("%+v", second)
		}
		// The first lease has expired and is given out anew, yet its ack counts.
		if a := ack(t, s, fmt.Sprintf(`{"acks":[{"lease_id":%q}]}`, first.Result.Messages[0].LeaseID)); a.Result.AckCount != 1 {
			t.Errorf("late ack: %+v", a)
		}
		if a := ack(t, s, fmt.Sprintf(`{"acks":[{"lease_id":%q}]}`, second.Result.Messages[0].LeaseID)); a.Result.AckCount != 0 {
			t.Errorf("ack of what is gone: %+v", a)
		}
		if want := (cfqueue.Counts{Pushed: 1, Delivered: 2, Expired: 1, Acked: 1}); q.Counts() != want || q.Backlog() != 0 {
			t.Errorf("%+v, want %+v", q.Counts(), want)
		}
	})
}

func TestRetryWaitsAndEndsInTheDeadLetterQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := cfqueue.New(cfqueue.Options{})
		q := s.AddQueue("q", cfqueue.QueueOptions{MaxRetries: 1, DeadLetter: "dead"})
		dead := s.AddQueue("dead", cfqueue.QueueOptions{})
		push(t, q, "1")
		lease := pull(t, s, "q", time.Hour).Result.Messages[0].LeaseID
		ack(t, s, fmt.Sprintf(`{"retries":[{"lease_id":%q,"delay_seconds":60}]}`, lease))
		if a := ack(t, s, fmt.Sprintf(`{"retries":[{"lease_id":%q}]}`, lease)); a.Result.RetryCount != 0 {
			t.Errorf("a lease was returned twice: %+v", a)
		}
		if a := pull(t, s, "q", time.Hour); len(a.Result.Messages) != 0 {
			t.Fatal("delivered before its delay")
		}
		time.Sleep(time.Minute)
		if m := pull(t, s, "q", time.Hour).Result.Messages; len(m) != 1 || m[0].Attempts != 2 {
			t.Fatalf("%+v: want the one retry", m)
		}
		time.Sleep(time.Hour) // the lease expires: the one retry is used up
		if q.Backlog() != 0 || dead.Backlog() != 1 || dead.Bodies()[0] != "1" {
			t.Fatalf("%d in the queue, %d dead", q.Backlog(), dead.Backlog())
		}
		if m := pull(t, s, "dead", time.Hour).Result.Messages; len(m) != 1 || m[0].Attempts != 1 {
			t.Errorf("%+v: want a first attempt", m)
		}
	})
}

func TestWithoutDeadLetterQueueAMessageIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := cfqueue.New(cfqueue.Options{})
		q := s.AddQueue("q", cfqueue.QueueOptions{MaxRetries: -1})
		push(t, q, "1")
		pull(t, s, "q", time.Minute)
		time.Sleep(time.Minute)
		if q.Backlog() != 0 || q.Counts().Deleted != 1 {
			t.Errorf("%+v", q.Counts())
		}
		push(t, q, "2")
		time.Sleep(4 * 24 * time.Hour)
		if q.Backlog() != 0 || q.Counts().Outlived != 1 {
			t.Errorf("retention: %+v", q.Counts())
		}
	})
}
