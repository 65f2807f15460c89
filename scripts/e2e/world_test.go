package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// world is an emulated control plane, and buckets of the storage server.
type world struct {
	t      testing.TB
	api    *emulator.Server
	env    map[string]string
	state  *bucket.Bucket
	output *bucket.Bucket
}

// newWorld keeps output and state in two buckets, unless env says otherwise.
func newWorld(t testing.TB, o emulator.Options, env map[string]string) *world {
	t.Helper()
	o.ClientSecret = "s3cret"
	w := &world{t: t, api: emulator.New(o).Start()}
	t.Cleanup(w.api.Close)
	w.env = map[string]string{
		"MULE_ORG_ID": "org-1", "CLIENT_ID": "client", "CLIENT_SECRET": "s3cret",
		"MULE_BASE_URL": w.api.URL(), "MULE_RATE_PER_MIN": "6000000",
		"GCS_BUCKET": newBucket(), "STATE_URL": "gs://" + newBucket(),
	}
	maps.Copy(w.env, env)
	w.output, w.state = open(t, w.env["GCS_BUCKET"]), open(t, w.env["STATE_URL"])
	return w
}

// function is the function as it is deployed.
func (w *world) function() *muleaudit.Function {
	w.t.Helper()
	rt := serve.WithLog(context.Background(), "muleaudit", slog.New(slog.DiscardHandler))
	f, err := muleaudit.Open(context.Background(), envconfig.MapLookuper(w.env), rt)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := f.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return f
}

func (w *world) run(f *muleaudit.Function) *muleaudit.Receipt {
	w.t.Helper()
	r, err := f.Run(context.Background(), trigger.Event{Kind: trigger.PubSub, Data: []byte("{}")})
	if err != nil || r.Base().Status != receipt.OK {
		w.t.Fatalf("run: %v, receipt %+v", err, r)
	}
	return r.(*muleaudit.Receipt)
}

// day adds n events of the last 24 hours.
func (w *world) day(seed uint64, n int) []emulator.Event {
	w.t.Helper()
	events := emulator.Generate("org-1", emulator.Generated{
		Seed: seed, N: n, From: time.Now().Truncate(time.Hour).Add(-23 * time.Hour), To: time.Now().Add(-10 * time.Minute),
		Large: 200_000, LargeEvery: 5000,
	})
	if err := w.api.Add("org-1", events...); err != nil {
		w.t.Fatal(err)
	}
	return events
}

var objectName = regexp.MustCompile(`^\d{4}/\d\d/\d\d/mulesoft-audit-org-1-\d{8}T\d{6}Z-\d{3}\.json\.gz$`)

// wantExactly checks that the output holds each event once, byte for byte but
// for white space between tokens, in objects a SIEM feed can read.
func (w *world) wantExactly(events []emulator.Event) {
	w.t.Helper()
	want := make(map[string]int, len(events))
	for _, e := range events {
		var line bytes.Buffer
		if err := json.Compact(&line, e.Raw); err != nil {
			w.t.Fatal(err)
		}
		want[line.String()]--
	}
	keys, err := w.output.Keys(context.Background(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, key := range keys {
		if !objectName.MatchString(key) {
			w.t.Errorf("object name %s", key)
		}
		attrs, err := w.output.Attributes(context.Background(), key)
		if err != nil || attrs.ContentType != "application/gzip" || attrs.ContentEncoding != "" {
			w.t.Errorf("%s: %+v, %v", key, attrs, err)
		}
		for _, line := range w.lines(key) {
			want[line]++
		}
	}
	missing, surplus := 0, 0
	for _, n := range want {
		missing, surplus = missing+max(0, -n), surplus+max(0, n)
	}
	if missing+surplus > 0 {
		w.t.Fatalf("of %d events %d are missing, %d lines are too many", len(events), missing, surplus)
	}
}

func (w *world) lines(key string) []string {
	w.t.Helper()
	data, err := w.output.ReadAll(context.Background(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		w.t.Fatalf("%s: %v", key, err)
	}
	text, err := io.ReadAll(z)
	if err != nil || len(text) == 0 {
		w.t.Fatalf("%s: %d bytes, %v", key, len(text), err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// wantTidy checks that nothing is staged or pending once all is done.
func (w *world) wantTidy() {
	w.t.Helper()
	keys, err := w.state.Keys(context.Background(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, k := range keys {
		if strings.Contains(k, "/staged/") || strings.Contains(k, "/pending/") {
			w.t.Errorf("left behind: %s", k)
		}
	}
}
