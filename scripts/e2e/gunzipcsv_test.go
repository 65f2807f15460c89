package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// objects is gunzipcsv between two buckets of the storage server.
type objects struct {
	t       *testing.T
	source  string
	in, out *bucket.Bucket
	state   *bucket.Bucket
	handler http.Handler
}

func newObjects(t *testing.T) *objects {
	t.Helper()
	o := &objects{t: t, source: newBucket()}
	dest, state := newBucket(), newBucket()
	rt := serve.WithLog(t.Context(), "gunzipcsv", slog.New(slog.DiscardHandler))
	fn, err := gunzipcsv.Open(t.Context(), envconfig.MapLookuper(map[string]string{
		"SOURCE_URL": "gs://" + o.source, "DEST_URL": "gs://" + dest, "STATE_URL": "gs://" + state,
	}), rt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fn.Close(); err != nil {
			t.Error(err)
		}
	})
	o.in, o.out, o.state = open(t, "gs://"+o.source), open(t, "gs://"+dest), open(t, "gs://"+state)
	o.handler = serve.NewHandler(context.Background(), fn, rt)
	return o
}

// put writes a gzip object and returns the notice that the store sends of it:
// the object resource, numbers as strings.
func (o *objects) put(key string, data []byte) string {
	o.t.Helper()
	if err := o.in.WriteAll(o.t.Context(), key, data, nil); err != nil {
		o.t.Fatal(err)
	}
	notice, err := json.Marshal(map[string]any{"bucket": o.source, "name": key, "size": fmt.Sprint(len(data))})
	if err != nil {
		o.t.Fatal(err)
	}
	return string(notice)
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// finalized delivers a notice as Eventarc does: a binary CloudEvent.
func (o *objects) finalized(notice string) (int, gunzipcsv.Receipt) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(notice))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Ce-Specversion", "1.0")
	r.Header.Set("Ce-Id", "1")
	r.Header.Set("Ce-Type", "google.cloud.storage.object.v1.finalized")
	r.Header.Set("Ce-Source", "//storage.googleapis.com/projects/_/buckets/"+o.source)
	return o.serve(r)
}

// published delivers it as a push subscription to the bucket's notifications.
func (o *objects) published(notice string) (int, gunzipcsv.Receipt) {
	var object struct{ Bucket, Name string }
	if err := json.Unmarshal([]byte(notice), &object); err != nil {
		o.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"subscription": "s", "message": map[string]any{
		"messageId": "1", "data": base64.StdEncoding.EncodeToString([]byte(notice)),
		"attributes": map[string]string{"eventType": "OBJECT_FINALIZE", "bucketId": object.Bucket, "objectId": object.Name, "payloadFormat": "JSON_API_V1"},
	}})
	if err != nil {
		o.t.Fatal(err)
	}
	return o.serve(httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body)))
}

func (o *objects) serve(r *http.Request) (int, gunzipcsv.Receipt) {
	o.t.Helper()
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	var rec gunzipcsv.Receipt
	if err := json.Unmarshal(w.Body.Bytes(), &rec); err != nil {
		o.t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return w.Code, rec
}

func (o *objects) wantTarget(key, text string) {
	o.t.Helper()
	got, err := o.out.ReadAll(o.t.Context(), key)
	if err != nil || string(got) != text {
		o.t.Errorf("%s: %q, %v; want %q", key, got, err, text)
	}
}

func TestObjectsOfGCS(t *testing.T) {
	o := newObjects(t)
	for i := range 20 {
		text := fmt.Sprintf("%d,\"a,b\",ü\n", i)
		want := text
		if i%2 == 1 {
			text = fmt.Sprintf(`{"n":%d,"s":"a,b"}`+"\n", i)
			want = fmt.Sprintf("n,s\n%d,\"a,b\"\n", i)
		}
		deliver := o.finalized
		if i%3 == 0 {
			deliver = o.published
		}
		notice := o.put(fmt.Sprintf("2026/%02d.log.gz", i), zipped(t, text))
		if code, r := deliver(notice); code != http.StatusOK || r.Out != 1 {
			t.Fatalf("%d %+v", code, r)
		}
		o.wantTarget(fmt.Sprintf("2026/%02d.csv", i), want)
		if code, r := deliver(notice); code != http.StatusOK || r.Out != 0 || r.Filtered != 1 {
			t.Errorf("delivered again: %d %+v", code, r)
		}
	}
	// A new generation of the source is converted again.
	if code, r := o.finalized(o.put("2026/00.log.gz", zipped(t, "changed\n"))); code != http.StatusOK || r.Out != 1 {
		t.Errorf("%d %+v", code, r)
	}
	o.wantTarget("2026/00.csv", "changed\n")
}

func TestBrokenObjectsOfGCS(t *testing.T) {
	o := newObjects(t)
	whole := zipped(t, strings.Repeat("a,b,c\n", 500_000)) // several chunks of output
	for key, data := range map[string][]byte{
		"truncated.log.gz": whole[:len(whole)-9], "trailing.log.gz": append(bytes.Clone(whole), "rest"...), "empty.log.gz": {}, "text.log.gz": []byte("a,b\n"),
	} {
		if code, r := o.finalized(o.put(key, data)); code != http.StatusOK || r.Quarantined != 1 {
			t.Errorf("%s: %d %+v", key, code, r)
		}
	}
	if keys, err := o.out.Keys(t.Context(), ""); err != nil || len(keys) > 0 {
		t.Errorf("visible: %v, %v", keys, err)
	}
	if keys, err := o.state.Keys(t.Context(), "quarantine/gunzipcsv/"); err != nil || len(keys) != 4 {
		t.Errorf("quarantine: %v, %v", keys, err)
	}
}

func TestObjectsOfGCSThroughFaults(t *testing.T) {
	o := newObjects(t)
	text := strings.Repeat("0123456789,abcdefghij\n", 200_000) // 4 MB: an upload in chunks
	var notices []string
	for i := range 6 {
		notices = append(notices, o.put(fmt.Sprintf("%d.log.gz", i), zipped(t, text)))
	}
	gcs.faults.Random(1, map[fault.Kind]float64{fault.Error503: 0.05, fault.ResetBefore: 0.03, fault.ResetMid: 0.03})
	defer gcs.faults.Random(0, nil)
	for i, notice := range notices {
		code := 0
		for range 20 { // as Eventarc delivers what was not answered 200
			if code, _ = o.finalized(notice); code == http.StatusOK {
				break
			}
		}
		if code != http.StatusOK {
			t.Fatalf("object %d: %d", i, code)
		}
	}
	gcs.faults.Random(0, nil)
	for i := range notices {
		o.wantTarget(fmt.Sprintf("%d.csv", i), text)
	}
	if keys, err := o.state.Keys(t.Context(), "quarantine/"); err != nil || len(keys) > 0 {
		t.Errorf("quarantine: %v, %v", keys, err)
	}
}
