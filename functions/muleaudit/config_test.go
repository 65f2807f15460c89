package muleaudit_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/config/configtest"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

func TestMissingConfigurationNamesEveryVariable(t *testing.T) {
	_, err := muleaudit.New(t.Context(), envconfig.MapLookuper(nil), serve.Runtime{})
	if err == nil {
		t.Fatal("started without configuration")
	}
	for _, name := range []string{"MULE_ORG_ID", "CLIENT_ID", "CLIENT_SECRET", "GCS_BUCKET", "STATE_URL"} {
		if !strings.Contains(err.Error(), name+": required") {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
}

func TestWrongConfigurationNamesEveryVariable(t *testing.T) {
	dir := t.TempDir()
	good := map[string]string{
		"MULE_ORG_ID": "o", "CLIENT_ID": "c", "CLIENT_SECRET": "hidden-secret", "OUTPUT_URL": "gs://out", "STATE_URL": "gs://state",
	}
	for _, tc := range []struct{ name, value, names string }{
		{"MULE_ORG_ID", "a/b", "MULE_ORG_ID"},
		{"MULE_CONTROL_PLANE", "mars", "MULE_CONTROL_PLANE"},
		{"MULE_BASE_URL", "http://anypoint.mulesoft.com", "MULE_BASE_URL"},
		{"MULE_RATE_PER_MIN", "-1", "MULE_RATE_PER_MIN"},
		{"MULE_LOOKBACK", "yesterday", "MULE_LOOKBACK"},
		{"MULE_LOOKBACK", "0s", "MULE_LOOKBACK"},
		{"MULE_SETTLE", "-5m", "MULE_SETTLE"},
		{"MULE_OVERLAP", "-1s", "MULE_OVERLAP"},
		{"MULE_SLICE", "7m", "MULE_SLICE"},
		{"MULE_SLICE", "48h", "MULE_SLICE"},
		{"MULE_CONCURRENCY", "-1", "MULE_CONCURRENCY"},
		{"MULE_PAGE_SIZE", "201", "MULE_PAGE_SIZE"},
		{"MULE_INCLUDE_SUBORGS", "maybe", "MULE_INCLUDE_SUBORGS"},
		{"RUN_TIMEOUT", "0s", "RUN_TIMEOUT"},
		{"OUTPUT_URL", "ftp://x", "OUTPUT_URL"},
		{"GCS_BUCKET", "another", "OUTPUT_URL"},
		{"STATE_URL", "gs://out", "STATE_URL"},
		{"STATE_URL", "gs://out?prefix=state/", "STATE_URL"},
		{"QUARANTINE_URL", "gs://out?prefix=q/", "QUARANTINE_URL"},
		{"OUTPUT_URL", "file://" + dir + "/not-there", "OUTPUT_URL"},
	} {
		env := map[string]string{}
		for k, v := range good {
			env[k] = v
		}
		env[tc.name] = tc.value
		if strings.HasPrefix(tc.value, "file:") { // valid so far, so it is opened, and nothing else should be
			env["STATE_URL"] = "mem://"
		}
		_, err := muleaudit.New(t.Context(), envconfig.MapLookuper(env), serve.Runtime{Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), "\n  "+tc.names+": ") {
			t.Errorf("%s=%s: %v", tc.name, tc.value, err)
		}
		if err != nil && strings.Contains(err.Error(), "hidden-secret") {
			t.Errorf("the secret is in %v", err)
		}
	}
}

// A SIEM that reads the output would ingest watermarks and receipts, also where
// only the function's folder below STATE_URL lies there.
func TestStateFolderInTheOutput(t *testing.T) {
	for _, output := range []string{"gs://b", "gs://b?prefix=muleaudit", "gs://b?prefix=muleaudit/receipts/", "gs://b?prefix=quarantine/"} {
		var cfg muleaudit.Config
		err := config.Load(t.Context(), envconfig.MapLookuper(map[string]string{
			"MULE_ORG_ID": "o", "CLIENT_ID": "c", "CLIENT_SECRET": "s", "STATE_URL": "gs://b", "OUTPUT_URL": output,
		}), &cfg)
		if err == nil || !strings.Contains(err.Error(), "STATE_URL: ") && !strings.Contains(err.Error(), "QUARANTINE_URL: ") {
			t.Errorf("%s: %v", output, err)
		}
	}
}

func TestControlPlanes(t *testing.T) {
	for plane, want := range map[string]string{
		"us": "https://anypoint.mulesoft.com 700", "eu": "https://eu1.anypoint.mulesoft.com 40", "gov": "https://gov.anypoint.mulesoft.com 40",
		"ca": "https://ca1.platform.mulesoft.com 40", "jp": "https://jp1.platform.mulesoft.com 40",
	} {
		var cfg muleaudit.Config
		err := config.Load(t.Context(), envconfig.MapLookuper(map[string]string{
			"MULE_ORG_ID": "o", "CLIENT_ID": "c", "CLIENT_SECRET": "s", "GCS_BUCKET": "out", "STATE_URL": "gs://state", "MULE_CONTROL_PLANE": plane,
		}), &cfg)
		if got := fmt.Sprint(cfg.BaseURL, " ", cfg.RatePerMin); err != nil || got != want {
			t.Errorf("%s: %s, %v", plane, got, err)
		}
	}
}

// post sends a body to the function's HTTP handler.
func (w *world) post(f *muleaudit.Function, body string) (int, string) {
	w.t.Helper()
	h := serve.NewHandler(context.Background(), f, w.runtime())
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	out, err := io.ReadAll(rec.Result().Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return rec.Code, string(out)
}

func pubsub(data string) string {
	return fmt.Sprintf(`{"message":{"data":%q,"messageId":"1"},"subscription":"s"}`, base64.StdEncoding.EncodeToString([]byte(data)))
}

func TestMalformedEventsAreRefused(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	w.api.AddOrg("org-1", "")
	f := w.function()
	future := time.Now().Add(time.Hour).Format(time.RFC3339)
	for _, body := range []string{
		`{"hello":1}`, `{broken`, `[]`, `"x"`,
		`{"message":{"data":"!!!"}}`,
		pubsub(`not json`), pubsub(`[]`), pubsub(`{"form":"2026-01-01T00:00:00Z"}`), pubsub(`{} {}`),
		pubsub(`{"from":"2026-01-01T00:00:00Z"}`), pubsub(`{"to":"2026-01-01T00:00:00Z"}`),
		pubsub(`{"from":"yesterday","to":"2026-01-01T00:00:00Z"}`),
		pubsub(`{"from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"}`),
		pubsub(`{"from":"2026-01-02T00:00:00Z","to":"` + future + `"}`),
		pubsub(`{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","orgs":["stranger"]}`),
		pubsub(`{"orgs":["org-1"]}`), pubsub(`{"orgs":[]}`), pubsub(`null`), pubsub(`{"from":null,"to":null}`),
		pubsub(`{"From":"2026-01-01T00:00:00Z","To":"2026-01-02T00:00:00Z"}`),
		// The same, posted plainly.
		`{"from":"2026-01-01T00:00:00Z"}`, `{"from":"yesterday","to":"2026-01-01T00:00:00Z"}`,
		`{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","org":["org-1"]}`, `{"orgs":["org-1"]}`, `{"from":{},"to":[]}`,
		`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}`,
	} {
		if status, answer := w.post(f, body); status != http.StatusBadRequest || !strings.Contains(answer, `"error":"`) {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	for _, body := range []string{"", "{}", pubsub("{}"), pubsub(""), `{"message":{"messageId":"1","attributes":{"a":"b"}},"subscription":"s"}`} {
		if status, answer := w.post(f, body); status != http.StatusOK {
			t.Errorf("%q: %d %s", body, status, answer)
		}
	}
}

// A backfill needs no Pub/Sub around its message.
func TestBackfillPostedPlainly(t *testing.T) {
	from, to := time.Now().UTC().Add(-48*time.Hour), time.Now().UTC().Add(-24*time.Hour)
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_LOOKBACK": "1h"})
	w.api.AddSynthetic("org-1", emulator.Synthetic{Seed: 1, N: 50, From: from, To: to})
	message := fmt.Sprintf(`{"from":%q,"to":%q,"orgs":["org-1"]}`, from.Format(time.RFC3339Nano), to.Format(time.RFC3339Nano))
	f := w.function()
	for i, body := range []string{message, pubsub(message)} {
		status, answer := w.post(f, body)
		var r muleaudit.Receipt
		if err := json.Unmarshal([]byte(answer), &r); err != nil || status != http.StatusOK || r.In != 50 || r.Out != int64(50*(1-i)) {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
}

func TestMisconfigurationIsNamedAndMovesNothing(t *testing.T) {
	for _, tc := range []struct {
		name  string
		env   map[string]string
		setup func(*world)
		want  []string
	}{
		{"wrong secret", map[string]string{"CLIENT_SECRET": "wrong-secret-value"}, nil, []string{"CLIENT_SECRET"}},
		{"wrong client", map[string]string{"CLIENT_ID": "nobody"}, nil, []string{"CLIENT_ID"}},
		{"missing scope", nil, func(w *world) { w.api.Forbid("org-1", true) }, []string{"org-1", "Audit Log Viewer"}},
		{"unknown organisation", map[string]string{"MULE_ORG_ID": "nowhere"}, nil, []string{"nowhere", "MULE_ORG_ID"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{}, tc.env)
			w.api.AddOrg("org-1", "")
			if tc.setup != nil {
				tc.setup(w)
			}
			f := w.function()
			status, answer := w.post(f, "{}")
			if status != http.StatusInternalServerError || !strings.Contains(answer, `"status":"failed"`) {
				t.Errorf("%d %s", status, answer)
			}
			for _, want := range tc.want {
				if !strings.Contains(answer, want) {
					t.Errorf("%q is not in %s", want, answer)
				}
			}
			w.wantNoSecret(answer)
			for _, org := range []string{"org-1", "nowhere"} {
				if keys, err := w.state.Keys(t.Context(), "muleaudit/"+org+"/watermark"); err != nil || len(keys) > 0 {
					t.Errorf("state moved: %v, %v", keys, err)
				}
			}
		})
	}
}

// wantNoSecret checks that neither an answer, nor the log, nor anything in the
// buckets shows the secret.
func (w *world) wantNoSecret(answer string) {
	w.t.Helper()
	texts := map[string]string{"answer": answer, "log": w.log.String()}
	keys, err := w.state.Keys(context.Background(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, k := range keys {
		data, err := w.state.ReadAll(context.Background(), k)
		if err != nil {
			w.t.Fatal(err)
		}
		texts[k] = string(data)
	}
	for where, text := range texts {
		if strings.Contains(text, w.env["CLIENT_SECRET"]) {
			w.t.Errorf("%s shows the secret: %s", where, text)
		}
	}
}

func TestOneForbiddenOrganisationHoldsUpNoOther(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "bad,good"})
	w.api.AddOrg("bad", "")
	w.api.Forbid("bad", true)
	events := emulator.Generate("good", emulator.Generated{Seed: 5, N: 900, From: aligned(20), To: aligned(1)})
	if err := w.api.Add("good", events...); err != nil {
		t.Fatal(err)
	}
	r, err := w.run(w.function(), "{}")
	if err == nil || r.Status != receipt.Failed || !strings.Contains(err.Error(), "bad") || strings.Contains(err.Error(), "organisation good") {
		t.Errorf("%v, %+v", err, r)
	}
	w.wantExactly(hour, map[string][]emulator.Event{"good": events})
	for org, want := range map[string]int{"good": 1, "bad": 0} {
		if keys, err := w.state.Keys(t.Context(), "muleaudit/"+org+"/watermark"); err != nil || len(keys) != want {
			t.Errorf("%s: watermark %v, %v", org, keys, err)
		}
	}
	// Once the scope is granted, nothing of the time between is missing.
	if err := w.api.Add("bad", emulator.Generate("bad", emulator.Generated{Seed: 6, N: 50, From: aligned(20), To: aligned(1)})...); err != nil {
		t.Fatal(err)
	}
	w.api.Forbid("bad", false)
	if r := w.mustRun(w.function(), "{}"); r.Out != 50 {
		t.Errorf("receipt %+v", r.Core)
	}
}

func TestReadmeNamesEveryVariable(t *testing.T) {
	configtest.Readme[muleaudit.Config](t, "README.md")
}
