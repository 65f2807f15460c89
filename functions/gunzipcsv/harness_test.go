package gunzipcsv_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/sethvargo/go-envconfig"
	"go.uber.org/goleak"
	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/config"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

func TestMain(m *testing.M) {
	if scale > 1 { // each run of the tests draws others
		if err := flag.Set("rapid.checks", "20"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

const token = "t0ken-of-the-queue"

// world is an emulated queue and three directories.
type world struct {
	t     testing.TB
	api   *emulator.Server
	queue *emulator.Queue
	dead  *emulator.Queue
	env   map[string]string
	parts gunzipcsv.Parts
	log   bytes.Buffer
	// wire is how the queue is reached; nil is by its address.
	wire http.RoundTripper
}

func newWorld(t testing.TB, env map[string]string) *world {
	t.Helper()
	api := emulator.New(emulator.Options{Token: token}).Start()
	t.Cleanup(api.Close)
	return worldAt(t, api, api.URL(), env)
}

// asleep is a world without a network, whose time passes at once. It has to be
// made inside synctest.
func asleep(t testing.TB, env map[string]string) *world {
	t.Helper()
	api := emulator.New(emulator.Options{Token: token})
	w := worldAt(t, api, "http://localhost/client/v4", env)
	w.wire = inprocess.Transport{Handler: api}
	return w
}

// worldAt is a world whose queue is reached at url.
func worldAt(t testing.TB, api *emulator.Server, url string, env map[string]string) *world {
	t.Helper()
	w := &world{t: t, api: api}
	w.queue = w.api.AddQueue("q", emulator.QueueOptions{MaxRetries: 50, DeadLetter: "dead"})
	w.dead = w.api.AddQueue("dead", emulator.QueueOptions{})
	w.env = map[string]string{
		"SOURCE_URL":    "file://" + t.TempDir(),
		"SOURCE_BUCKET": "logs",
		"DEST_URL":      "file://" + t.TempDir(),
		"STATE_URL":     "file://" + t.TempDir(),
		"CF_ACCOUNT_ID": "account", "CF_QUEUE_ID": "q", "CF_API_TOKEN": token, "CF_API_BASE_URL": url,
		"CF_RETRY_DELAY": "0s",
	}
	maps.Copy(w.env, env)
	cfg := w.config()
	w.parts = gunzipcsv.Parts{
		Source: w.open(cfg.SourceURL), Dest: w.open(cfg.DestURL),
		State: w.open(cfg.StateURL), Quarantine: w.open(cfg.QuarantineURL),
	}
	return w
}

func (w *world) config() (cfg gunzipcsv.Config) {
	w.t.Helper()
	if err := config.Load(context.Background(), envconfig.MapLookuper(w.env), &cfg); err != nil {
		w.t.Fatal(err)
	}
	return cfg
}

func (w *world) open(url string) *bucket.Bucket {
	w.t.Helper()
	b, err := bucket.Open(context.Background(), url, outagetest.WithKeys())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = b.Close() })
	return b
}

func (w *world) runtime() serve.Runtime {
	return serve.WithLog(context.Background(), "gunzipcsv", slog.New(slog.NewJSONHandler(&w.log, nil)))
}

// function builds the function as [gunzipcsv.Open] does, but for a queue client
// that does not wait long before it tries again.
func (w *world) function() *gunzipcsv.Function {
	w.t.Helper()
	cfg := w.config()
	parts := w.parts
	if cfg.CFQueueID != "" {
		wire := w.wire
		if wire == nil {
			transport := &http.Transport{}
			w.t.Cleanup(transport.CloseIdleConnections)
			wire = transport
		}
		for variable, client := range map[string]**cfqueue.Client{"CF_QUEUE_ID": &parts.Queue, "CF_DEAD_QUEUE_ID": &parts.Dead} {
			if w.env[variable] == "" {
				continue
			}
			var err error
			*client, err = cfqueue.New(cfg.CFAccountID, w.env[variable], token, cfqueue.Options{
				BaseURL: cfg.CFBaseURL, HTTPClient: &http.Client{Transport: wire}, Variable: variable,
				Retry: retry.Policy{Attempts: 5, Base: time.Millisecond, Max: 10 * time.Millisecond},
			})
			if err != nil {
				w.t.Fatal(err)
			}
		}
	}
	f, err := gunzipcsv.Build(cfg, parts, w.runtime())
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

func gz(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	if _, err := io.WriteString(zw, text); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// put writes a source object.
func (w *world) put(key string, data []byte) {
	w.t.Helper()
	if err := w.parts.Source.WriteAll(context.Background(), key, data, nil); err != nil {
		w.t.Fatal(err)
	}
}

// message is the R2 notice that an object was put.
func message(t testing.TB, action, bucket, key string) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"account": "account", "action": action, "bucket": bucket,
		"object":    map[string]any{"key": key, "size": 1, "eTag": "e"},
		"eventTime": time.Now().UTC().Format(time.RFC3339Nano),
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (w *world) notify(key string) { w.t.Helper(); w.send(message(w.t, "PutObject", "logs", key)) }

func (w *world) send(body []byte) {
	w.t.Helper()
	if _, err := w.queue.Push(body, emulator.JSON, 0); err != nil {
		w.t.Fatal(err)
	}
}

func run(t testing.TB, f *gunzipcsv.Function, ev trigger.Event) (*gunzipcsv.Receipt, error) {
	t.Helper()
	r, err := f.Run(context.Background(), ev)
	if r == nil {
		return nil, err
	}
	rec, ok := r.(*gunzipcsv.Receipt)
	if !ok {
		t.Fatalf("receipt is a %T", r)
	}
	return rec, err
}

var tick = trigger.Event{Kind: trigger.Tick}

// mustTick runs a tick and wants all done.
func (w *world) mustTick(f *gunzipcsv.Function) *gunzipcsv.Receipt {
	w.t.Helper()
	r, err := run(w.t, f, tick)
	if err != nil || r.Status != receipt.OK {
		w.t.Fatalf("tick: %v, receipt %+v", err, r)
	}
	return r
}

// targets returns every object of the destination, by key.
func (w *world) targets() map[string]string {
	w.t.Helper()
	keys, err := w.parts.Dest.Keys(context.Background(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for _, k := range keys {
		data, err := w.parts.Dest.ReadAll(context.Background(), k)
		if err != nil {
			w.t.Fatal(err)
		}
		out[k] = string(data)
	}
	return out
}

// quarantined returns every record in quarantine that was not replayed.
func (w *world) quarantined() (out []quarantine.Record) {
	w.t.Helper()
	s := quarantine.New(w.parts.Quarantine, "gunzipcsv")
	for o, err := range s.Pending(context.Background()) {
		if err != nil {
			w.t.Fatal(err)
		}
		for r, err := range s.Read(context.Background(), o.Name) {
			if err != nil {
				w.t.Fatal(err)
			}
			out = append(out, r)
		}
	}
	return out
}

func codes(records []quarantine.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.Code
	}
	slices.Sort(out)
	return out
}

// wantSettled checks that the queue is empty and every message was acked.
func (w *world) wantSettled(n int) {
	w.t.Helper()
	if c := w.queue.Counts(); w.queue.Backlog() != 0 || c.Acked != n || c.Dead != 0 {
		w.t.Fatalf("queue: backlog %d, %+v; want %d acked", w.queue.Backlog(), c, n)
	}
}

func (w *world) wantNoSecret() {
	w.t.Helper()
	if strings.Contains(w.log.String(), token) {
		w.t.Error("the log shows the token")
	}
}

func (w *world) modTimes() map[string]time.Time {
	w.t.Helper()
	out := map[string]time.Time{}
	list := w.parts.Dest.List(&blob.ListOptions{})
	for {
		o, err := list.Next(context.Background())
		if err == io.EOF { //nolint:errorlint // never wrapped
			return out
		}
		if err != nil {
			w.t.Fatal(err)
		}
		out[o.Key] = o.ModTime
	}
}

// removeDir removes the directory of a file:// URL.
func removeDir(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	return os.RemoveAll(u.Path)
}

// tamper replaces the content of a target, and keeps its metadata.
func (w *world) tamper(key, content string) {
	w.t.Helper()
	attrs, err := w.parts.Dest.Attributes(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.parts.Dest.WriteAll(w.t.Context(), key, []byte(content), &blob.WriterOptions{Metadata: attrs.Metadata}); err != nil {
		w.t.Fatal(err)
	}
}
