package s3

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// logs is gunzipcsv between two buckets of one kind, woken by SQS batches.
type logs struct {
	t            *testing.T
	source, dest string // names of buckets
	in, out      *bucket.Bucket
	fn           *gunzipcsv.Function
}

func newLogs(t *testing.T, url func(string) string) *logs {
	t.Helper()
	l := &logs{t: t, source: newBucket(t), dest: newBucket(t)}
	l.in, l.out = open(t, url(l.source)), open(t, url(l.dest))
	var err error
	l.fn, err = gunzipcsv.Open(t.Context(), envconfig.MapLookuper(environment(url, l.source, l.dest)), serve.WithLog(t.Context(), "gunzipcsv", slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.fn.Close() })
	return l
}

func environment(url func(string) string, source, dest string) map[string]string {
	return map[string]string{
		"SOURCE_URL": url(source), "DEST_URL": url(dest) + "&prefix=csv/", "STATE_URL": url(dest) + "&prefix=state/",
		"R2_ACCESS_KEY_ID": accessKey, "R2_SECRET_ACCESS_KEY": secretKey,
	}
}

func (l *logs) put(key string, data []byte) {
	l.t.Helper()
	if err := l.in.WriteAll(l.t.Context(), key, data, nil); err != nil {
		l.t.Fatal(err)
	}
}

// batch is what SQS hands Lambda for the keys; a message's id is its key.
func batch(t *testing.T, source string, keys ...string) []byte {
	t.Helper()
	type record map[string]any
	marshal := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var records []record
	for _, key := range keys {
		body := marshal(record{"Records": []record{{
			"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
			"s3": record{"bucket": record{"name": source}, "object": record{"key": key, "size": 1}},
		}}})
		records = append(records, record{"messageId": key, "eventSource": "aws:sqs", "body": string(body)})
	}
	return marshal(record{"Records": records})
}

func (l *logs) run(keys ...string) *gunzipcsv.Receipt {
	l.t.Helper()
	ev, err := trigger.FromBytes(batch(l.t, l.source, keys...))
	if err != nil {
		l.t.Fatal(err)
	}
	r, err := l.fn.Run(l.t.Context(), ev)
	rec, ok := r.(*gunzipcsv.Receipt)
	if !ok {
		l.t.Fatalf("receipt %T, %v", r, err)
	}
	return rec
}

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// mixed puts n objects, CSV and NDJSON, and returns the targets they should
// become.
func (l *logs) mixed(n int) (keys []string, want map[string]string) {
	l.t.Helper()
	want = map[string]string{}
	for i := range n {
		key, target := fmt.Sprintf("2026/%02d.log.gz", i), fmt.Sprintf("csv/2026/%02d.csv", i)
		text := fmt.Sprintf("%d,\"a,b\",ü\n", i)
		want[target] = text
		if i%2 == 1 {
			text = fmt.Sprintf(`{"n":%d,"s":"a,b"}`+"\n", i)
			want[target] = fmt.Sprintf("n,s\r\n%d,\"a,b\"\r\n", i)
		}
		l.put(key, packed(l.t, text))
		keys = append(keys, key)
	}
	return keys, want
}

func (l *logs) wantTargets(want map[string]string) {
	l.t.Helper()
	keys, err := l.out.Keys(l.t.Context(), "csv/")
	if err != nil {
		l.t.Fatal(err)
	}
	if len(keys) != len(want) {
		l.t.Errorf("targets %v, want %d", keys, len(want))
	}
	for _, key := range keys {
		got, err := l.out.ReadAll(l.t.Context(), key)
		// Either line end is CSV.
		if flat := strings.ReplaceAll; err != nil || flat(string(got), "\r\n", "\n") != flat(want[key], "\r\n", "\n") {
			l.t.Errorf("%s holds %q, want %q; %v", key, got, want[key], err)
		}
	}
	if n := unfinished(l.t, l.dest); n > 0 {
		l.t.Errorf("%d uploads are unfinished", n)
	}
}

func TestLogsAreConverted(t *testing.T) {
	for kind, url := range kinds {
		t.Run(kind, func(t *testing.T) {
			l := newLogs(t, url)
			keys, want := l.mixed(20)
			if r := l.run(keys...); r.Status != receipt.OK || r.Out != 20 || len(r.BatchItemFailures) > 0 {
				t.Fatalf("receipt %+v", r)
			}
			l.wantTargets(want)
			if r := l.run(keys...); r.Status != receipt.OK || r.Unchanged != 20 {
				t.Errorf("the second delivery: %+v", r)
			}
			l.put(keys[0], packed(t, "changed\n"))
			want["csv/2026/00.csv"] = "changed\n"
			if r := l.run(keys...); r.Status != receipt.OK || r.Unchanged != 19 {
				t.Errorf("after a change: %+v", r)
			}
			l.wantTargets(want)
		})
	}
}

func TestHostileLogs(t *testing.T) {
	for kind, url := range kinds {
		t.Run(kind, func(t *testing.T) {
			l := newLogs(t, url)
			keys, want := l.mixed(2)
			random, err := io.ReadAll(data(3, 24<<20))
			if err != nil {
				t.Fatal(err)
			}
			// Broken after parts of the target are uploaded.
			large := packed(t, strings.ReplaceAll(string(random), "\n", " "))
			hostile := map[string][]byte{
				"cut.log.gz":     packed(t, "a,b\n")[:15],
				"large.log.gz":   large[:len(large)-9],
				"plain.log.gz":   []byte("not gzip"),
				"trailer.log.gz": append(packed(t, "a\n"), "garbage"...),
				"empty.log.gz":   {},
			}
			for key, bytes := range hostile {
				l.put(key, bytes)
				keys = append(keys, key)
			}
			r := l.run(append(keys, "gone.log.gz")...)
			if r.Status != receipt.OK || r.Out != 2 || r.Quarantined != int64(len(hostile))+1 || len(r.BatchItemFailures) > 0 {
				t.Errorf("receipt %+v", r)
			}
			l.wantTargets(want)
		})
	}
}

func TestLogsThroughAStorm(t *testing.T) {
	for kind, url := range kinds {
		t.Run(kind, func(t *testing.T) {
			l := newLogs(t, url)
			keys, want := l.mixed(12)
			storm(t, 11, "", map[fault.Kind]float64{fault.Error503: 0.04, fault.Error500: 0.02, fault.ResetBefore: 0.03, fault.ResetAfter: 0.03, fault.ResetMid: 0.03})
			for range 10 {
				if r := l.run(keys...); len(r.BatchItemFailures) == 0 {
					break
				} else if r.Quarantined > 0 {
					t.Fatalf("a fault of the store put objects into quarantine: %+v", r)
				}
			}
			gateway.faults.Random(0, nil)
			if r := l.run(keys...); r.Status != receipt.OK || r.Unchanged != 12 {
				t.Errorf("in the end: %+v", r)
			}
			l.wantTargets(want)
		})
	}
}
