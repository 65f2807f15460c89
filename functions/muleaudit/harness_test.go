package muleaudit_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

const (
	secret = "s3cret-of-the-app"
	hour   = time.Hour
)

// world is an emulated control plane and two directories.
type world struct {
	t      testing.TB
	api    *emulator.Server
	env    map[string]string
	state  *bucket.Bucket
	output *bucket.Bucket
	log    bytes.Buffer
	client *http.Client // nil for the default
}

func newWorld(t testing.TB, o emulator.Options, env map[string]string) *world {
	t.Helper()
	sameHour()
	o.ClientSecret = secret
	api := emulator.New(o).Start()
	t.Cleanup(api.Close)
	return worldAt(t, api, api.URL(), env)
}

// aligned is the last full hour but n.
func aligned(n int) time.Time {
	return time.Now().UTC().Truncate(hour).Add(-time.Duration(n) * hour)
}

// sameHour waits out the end of an hour, so that what a test calls the last full
// hour stays it.
func sameHour() {
	now := time.Now()
	if next := now.Truncate(hour).Add(hour); next.Sub(now) < 15*time.Second {
		time.Sleep(time.Until(next))
	}
}

// worldAt is a world whose control plane is reached at url.
func worldAt(t testing.TB, api *emulator.Server, url string, env map[string]string) *world {
	t.Helper()
	w := &world{t: t, api: api}
	w.env = map[string]string{
		"MULE_ORG_ID":   "org-1",
		"CLIENT_ID":     "client",
		"CLIENT_SECRET": secret,
		"MULE_BASE_URL": url,
		// No real budget: the tests that are about it set their own.
		"MULE_RATE_PER_MIN": "6000000",
		"OUTPUT_URL":        "file://" + t.TempDir(),
		"STATE_URL":         "file://" + t.TempDir(),
	}
	maps.Copy(w.env, env)
	w.state, w.output = w.open("STATE_URL"), w.open("OUTPUT_URL")
	return w
}

func (w *world) open(name string) *bucket.Bucket {
	w.t.Helper()
	return w.openURL(w.env[name])
}

func (w *world) openURL(url string) *bucket.Bucket {
	w.t.Helper()
	b, err := bucket.Open(context.Background(), url, outagetest.WithKeys())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = b.Close() })
	return b
}

func (w *world) runtime() serve.Runtime {
	return serve.WithLog(context.Background(), "muleaudit", slog.New(slog.NewJSONHandler(&w.log, nil)))
}

// function builds the function as [muleaudit.Open] does, but for a client that
// does not wait long before it tries again.
func (w *world) function() *muleaudit.Function {
	w.t.Helper()
	var cfg muleaudit.Config
	if err := config.Load(context.Background(), envconfig.MapLookuper(w.env), &cfg); err != nil {
		w.t.Fatal(err)
	}
	api := anypoint.New(anypoint.Options{
		HTTPClient: w.client,
		BaseURL:    cfg.BaseURL, ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret.Reveal(),
		RatePerMinute: cfg.RatePerMin, PageSize: cfg.PageSize, MaxRecordBytes: cfg.MaxRecordBytes,
		Retry:    retry.Policy{Attempts: 8, Base: time.Millisecond, Max: 20 * time.Millisecond},
		MinPause: time.Millisecond, MaxPause: 20 * time.Millisecond,
	})
	w.t.Cleanup(api.CloseIdle)
	return muleaudit.Build(cfg, api, w.state, w.output, w.openURL(cfg.QuarantineURL), w.runtime())
}

func (w *world) run(f *muleaudit.Function, message string) (*muleaudit.Receipt, error) {
	w.t.Helper()
	r, err := f.Run(context.Background(), trigger.Event{Kind: trigger.PubSub, Data: []byte(message)})
	if r == nil {
		return nil, err
	}
	rec, ok := r.(*muleaudit.Receipt)
	if !ok {
		w.t.Fatalf("receipt is a %T", r)
	}
	return rec, err
}

// mustRun runs and wants all done.
func (w *world) mustRun(f *muleaudit.Function, message string) *muleaudit.Receipt {
	w.t.Helper()
	r, err := w.run(f, message)
	if err != nil || r.Status != receipt.OK {
		w.t.Fatalf("run: %v, receipt %+v", err, r)
	}
	return r
}

// compact is what encoding/json makes of an entry: the oracle of a line.
func compact(t testing.TB, raw []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var objectName = regexp.MustCompile(`^(\d{4}/\d\d/\d\d)/mulesoft-audit-(.+)-(\d{8}T\d{6}Z)-(\d{3})\.json\.gz$`)

// lines reads every object of the output and returns how often each line is
// there, by organisation. It checks what holds for every object: its name, its
// type, that it is not empty, that it is ordered, and that its events belong to
// its slice.
func (w *world) lines(slice time.Duration) map[string]map[string]int {
	w.t.Helper()
	ctx := context.Background()
	keys, err := w.output.Keys(ctx, "")
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]map[string]int{}
	for _, key := range keys {
		m := objectName.FindStringSubmatch(key)
		if m == nil {
			w.t.Fatalf("object name %s", key)
		}
		start, err := time.Parse("20060102T150405Z", m[3])
		if err != nil || start.Format("2006/01/02") != m[1] {
			w.t.Fatalf("object name %s: %v", key, err)
		}
		attrs, err := w.output.Attributes(ctx, key)
		if err != nil || attrs.ContentType != "application/gzip" || attrs.ContentEncoding != "" {
			w.t.Fatalf("%s: %+v, %v", key, attrs, err)
		}
		n, last := 0, int64(0)
		for _, line := range w.object(key) {
			n++
			var e struct{ Timestamp *int64 }
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				w.t.Fatalf("%s line %d: %v", key, n, err)
			}
			if e.Timestamp != nil {
				if *e.Timestamp < last {
					w.t.Fatalf("%s line %d: %d after %d", key, n, *e.Timestamp, last)
				}
				last = *e.Timestamp
				if at := time.UnixMilli(last); at.Before(start) || !at.Before(start.Add(slice)) {
					w.t.Fatalf("%s line %d is of %v", key, n, at)
				}
			}
			if out[m[2]] == nil {
				out[m[2]] = map[string]int{}
			}
			out[m[2]][line]++
		}
		if n == 0 {
			w.t.Fatalf("%s is empty", key)
		}
	}
	return out
}

func (w *world) object(key string) []string {
	w.t.Helper()
	data, err := w.output.ReadAll(context.Background(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	gz, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		w.t.Fatalf("%s: %v", key, err)
	}
	text, err := io.ReadAll(gz)
	if err != nil || !bytes.HasSuffix(text, []byte("\n")) {
		w.t.Fatalf("%s: %v", key, err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// wantExactly checks that the output holds each of the events once, as the API
// sent it, and nothing else.
func (w *world) wantExactly(slice time.Duration, want map[string][]emulator.Event) {
	w.t.Helper()
	got := w.lines(slice)
	for org, events := range want {
		lines := map[string]bool{}
		for _, e := range events {
			lines[compact(w.t, e.Raw)] = true
		}
		missing, twice, strange := 0, 0, 0
		for line := range lines {
			switch n := got[org][line]; {
			case n == 0:
				missing++
			case n > 1:
				twice++
			}
		}
		for line := range got[org] {
			if !lines[line] {
				strange++
			}
		}
		if missing+twice+strange > 0 {
			w.t.Fatalf("%s: of %d events %d are missing, %d there more than once, and %d lines are none of them", org, len(lines), missing, twice, strange)
		}
	}
	for org := range got {
		if _, ok := want[org]; !ok {
			w.t.Fatalf("objects of %s, which has no events", org)
		}
	}
}

// wantPublished checks that no manifest waits to be published. What was staged and
// not decided on may have been left by a run that was cut off: it goes in time.
func (w *world) wantPublished() {
	w.t.Helper()
	for _, org := range strings.Split(w.env["MULE_ORG_ID"], ",") {
		if marks, err := w.state.Keys(context.Background(), "muleaudit/"+org+"/pending/"); err != nil || len(marks) > 0 {
			w.t.Errorf("manifests wait to be published: %v, %v", marks, err)
		}
	}
}

// wantTidy checks that nothing waits in STATE_URL once all is done.
func (w *world) wantTidy() {
	w.t.Helper()
	keys, err := w.state.Keys(context.Background(), "muleaudit/")
	if err != nil {
		w.t.Fatal(err)
	}
	left := slices.DeleteFunc(keys, func(k string) bool {
		return !strings.Contains(k, "/staged/") && !strings.Contains(k, "/pending/")
	})
	if len(left) > 0 {
		w.t.Errorf("left behind: %v", left)
	}
}
