package gunzipcsv_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// post sends a body as a trigger does, through the real handler.
func (w *world) post(f *gunzipcsv.Function, body string, headers map[string]string) (int, map[string]any) {
	w.t.Helper()
	h := serve.NewHandler(w.t.Context(), f, w.runtime())
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	answer, err := io.ReadAll(rec.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(answer, &out); err != nil {
		w.t.Fatalf("%s: %v", answer, err)
	}
	return rec.Code, out
}

func quote(t testing.TB, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryEnvelope(t *testing.T) {
	const s3 = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventTime":"2026-01-02T03:04:05Z","eventName":"ObjectCreated:Put",` +
		`"s3":{"bucket":{"name":"logs"},"object":{"key":"day/a+b.log.gz","size":10,"eTag":"e"}}}]}`
	sns := `{"Type":"Notification","MessageId":"m","TopicArn":"t","Timestamp":"2026-01-02T03:04:05Z","Message":` + quote(t, s3) + `}`
	gcs := `{"bucket":"logs","name":"day/a b.log.gz","generation":"1","size":"10","etag":"e"}`
	r2 := string(message(t, "PutObject", "logs", "day/a b.log.gz"))
	for name, tc := range map[string]struct {
		body    string
		headers map[string]string
		answers bool // by message
	}{
		"S3":             {body: s3},
		"S3 SNS":         {body: sns},
		"S3 SQS":         {body: `{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":` + quote(t, s3) + `}]}`, answers: true},
		"S3 SNS SQS":     {body: `{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":` + quote(t, sns) + `}]}`, answers: true},
		"EventBridge":    {body: `{"version":"0","id":"i","detail-type":"Object Created","source":"aws.s3","time":"2026-01-02T03:04:05Z","detail":{"bucket":{"name":"logs"},"object":{"key":"day/a b.log.gz","size":5,"etag":"e"}}}`},
		"GCS CloudEvent": {body: gcs, headers: map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "i", "Ce-Source": "//storage.googleapis.com/projects/_/buckets/logs", "Ce-Type": "google.cloud.storage.object.v1.finalized", "Content-Type": "application/json"}},
		"GCS Pub/Sub":    {body: `{"subscription":"s","message":{"messageId":"1","data":"` + base64.StdEncoding.EncodeToString([]byte(gcs)) + `","attributes":{"eventType":"OBJECT_FINALIZE","bucketId":"logs","objectId":"day/a b.log.gz","objectGeneration":"1","payloadFormat":"JSON_API_V1"}}}`},
		"R2":             {body: r2},
		"pushed batch":   {body: `{"queue":"q","messages":[{"id":"1","attempts":1,"body":` + r2 + `}]}`, answers: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"CF_QUEUE_ID": "", "CF_ACCOUNT_ID": "", "CF_API_TOKEN": ""})
			w.put("day/a b.log.gz", gz(t, "1,2\n"))
			status, answer := w.post(w.function(), tc.body, tc.headers)
			if status != 200 || answer["status"] != "ok" || answer["out"] != 1.0 {
				t.Fatalf("%d %v", status, answer)
			}
			failures, answered := answer["batchItemFailures"]
			if answered != tc.answers {
				t.Errorf("answer by message: %v", answer)
			}
			if list, ok := failures.([]any); answered && (!ok || len(list) != 0) {
				t.Errorf("batchItemFailures is %v, want an empty list", failures)
			}
			if got := w.targets()["day/a b.csv"]; got != "1,2\n" {
				t.Errorf("%q", got)
			}
		})
	}
}

// TestPartialBatchFailure breaks one of three messages for a time.
func TestPartialBatchFailure(t *testing.T) {
	for _, tc := range []struct {
		envelope string
		delay    bool
	}{{"queue", true}, {"sqs", false}} {
		w := newWorld(t, map[string]string{"CF_RETRY_DELAY": "40s", "MAX_RECORD_BYTES": "1000"})
		for _, k := range []string{"a", "b", "c"} {
			w.put(k+".log.gz", gz(t, k+"\n"))
		}
		w.breakTargets("b.csv")
		var messages []string
		for i, k := range []string{"a", "b", "c"} {
			body := string(message(t, "PutObject", "logs", k+".log.gz"))
			if tc.envelope == "sqs" {
				messages = append(messages, fmt.Sprintf(`{"messageId":"m%d","eventSource":"aws:sqs","body":%s}`, i, quote(t, body)))
			} else {
				messages = append(messages, fmt.Sprintf(`{"id":"m%d","attempts":2,"body":%s}`, i, body))
			}
		}
		body := `{"queue":"q","messages":[` + strings.Join(messages, ",") + `]}`
		if tc.envelope == "sqs" {
			body = `{"Records":[` + strings.Join(messages, ",") + `]}`
		}
		status, answer := w.post(w.function(), body, nil)
		list, ok := answer["batchItemFailures"].([]any)
		if status != 500 || answer["status"] != "failed" || answer["error"] == "" || !ok || len(list) != 1 || answer["out"] != 2.0 || answer["returned"] != 1.0 {
			t.Fatalf("%s: %d %v", tc.envelope, status, answer)
		}
		failure, ok := list[0].(map[string]any)
		if !ok || failure["itemIdentifier"] != "m1" {
			t.Errorf("%s: %v", tc.envelope, list)
		}
		if delay, ok := failure["delaySeconds"].(float64); ok != tc.delay || tc.delay && (delay < 40 || delay > 80) {
			t.Errorf("%s: delay %v", tc.envelope, failure)
		}
	}
}

// brokenTargets is a bucket that does not answer about some keys.
type brokenTargets struct {
	*flaky
	mu   sync.Mutex
	keys map[string]bool
}

func (b *brokenTargets) Attributes(ctx context.Context, key string) (*driver.Attributes, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keys[key] {
		return nil, errFlaky
	}
	return b.flaky.Attributes(ctx, key)
}

// breakTargets has the destination fail for some targets, for now, until mend is
// called.
func (w *world) breakTargets(keys ...string) (mend func()) {
	w.t.Helper()
	b := &brokenTargets{flaky: makeFlaky(w.parts.Dest, 1, 0), keys: map[string]bool{}}
	for _, key := range keys {
		b.keys[key] = true
	}
	w.parts.Dest.Bucket = blob.NewBucket(b)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		clear(b.keys)
	}
}

func TestTransientFailureFailsLoudly(t *testing.T) {
	w := newWorld(t, nil)
	w.put("a.log.gz", gz(t, "1\n"))
	w.breakTargets("a.csv")
	w.notify("a.log.gz")
	r, err := run(t, w.function(), tick)
	if err == nil || r.Status != receipt.Failed || r.Returned != 1 || r.In != 0 || r.Retries == 0 || !strings.Contains(r.Error, "a.log.gz") {
		t.Errorf("%v, %+v", err, r)
	}
	if c := w.queue.Counts(); c.Acked != 0 || c.Retried != 1 || w.queue.Backlog() != 1 {
		t.Errorf("%+v", c)
	}
	if len(w.quarantined()) != 0 {
		t.Error("a transient failure is in quarantine")
	}
}

func TestRefusedEvents(t *testing.T) {
	w := newWorld(t, map[string]string{"CF_QUEUE_ID": "", "CF_ACCOUNT_ID": "", "CF_API_TOKEN": ""})
	f := w.function()
	for body, want := range map[string]int{
		`{"hello":1}`: 400,
		`{`:           400,
		`{"subscription":"s","message":{"data":"eyJhIjoxfQ==","messageId":"1"}}`: 400,
		``:   500, // a tick without a queue is a fault of the configuration
		`{}`: 500,
	} {
		status, answer := w.post(f, body, nil)
		if status != want || answer["error"] == "" {
			t.Errorf("%s: %d %v, want %d", body, status, answer, want)
		}
		if want == 500 && !strings.Contains(fmt.Sprint(answer["error"]), "CF_QUEUE_ID") {
			t.Errorf("%v", answer)
		}
	}
}

func TestNoticesWithoutTimeAreDeliveredAgain(t *testing.T) {
	w := newWorld(t, map[string]string{"RUN_TIMEOUT": "1s"})
	w.put("a.log.gz", gz(t, "1\n"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := w.function().Run(ctx, notices("a.log.gz"))
	core := r.Base()
	if err != nil || core.Status != receipt.Partial || !core.Redeliver || len(core.Remaining) != 1 {
		t.Errorf("%v, %+v", err, core)
	}
}
