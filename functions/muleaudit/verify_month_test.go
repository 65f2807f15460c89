package muleaudit_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// slowStore is a store that takes its time, and may refuse what would change it.
type slowStore struct {
	h        http.Handler
	wait     atomic.Int64 // a call
	readOnly atomic.Bool
	calls    atomic.Int64
	writes   atomic.Int64
}

func (s *slowStore) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls.Add(1)
	time.Sleep(time.Duration(s.wait.Load()))
	if r.Method != http.MethodGet && r.Method != http.MethodHead && s.readOnly.Load() {
		s.writes.Add(1)
		return &http.Response{StatusCode: http.StatusForbidden, Body: http.NoBody, Request: r}, nil
	}
	return inprocess.Transport{Handler: s.h}.RoundTrip(r)
}

const day = 24 * hour

// monthWorld has a month of hourly slices exported, a few events each, by an
// API with the budget of the small control planes.
func monthWorld(t *testing.T) (*world, *slowStore) {
	t.Helper()
	const month = 30 * 24 * hour
	server := oss.New(oss.Options{AccessKeyID: outagetest.KeyID, AccessKeySecret: outagetest.Secret})
	server.AddBucket("state")
	server.AddBucket("output")
	s := &slowStore{h: server}
	api := emulator.New(emulator.Options{ClientSecret: secret, Latency: 300 * time.Millisecond})
	w := &world{t: t, api: api, client: &http.Client{Transport: inprocess.Transport{Handler: api}}, env: map[string]string{
		"MULE_ORG_ID": "org-1", "CLIENT_ID": "client", "CLIENT_SECRET": secret, "MULE_BASE_URL": "http://localhost", "MULE_RATE_PER_MIN": "6000000",
		"OUTPUT_URL": outagetest.BucketURL("http://localhost", "output"), "STATE_URL": outagetest.BucketURL("http://localhost", "state"), "QUARANTINE_URL": "mem://",
		"SLS_AK_ID": outagetest.KeyID, "SLS_AK_KEY": outagetest.Secret, "MULE_LOOKBACK": month.String(), "RUN_TIMEOUT": "24h",
	}}
	w.state, w.output = w.slowly(s, "STATE_URL"), w.slowly(s, "OUTPUT_URL")
	now := time.Now().UTC()
	events := emulator.Generate("org-1", emulator.Generated{Seed: 1, N: 5 * int(month/hour), From: now.Add(-month), To: now.Add(-hour)})
	for at := now.Truncate(day); at.After(now.Add(-month)); at = at.Add(-day) {
		events = append(events, entry(at, "at the edge of a day"), entry(at.Add(-time.Millisecond), "just before it"))
	}
	if err := api.Add("org-1", events...); err != nil {
		t.Fatal(err)
	}
	w.mustRun(w.function(), "{}")
	w.env["MULE_RATE_PER_MIN"] = "40"
	s.wait.Store(int64(40 * time.Millisecond))
	s.readOnly.Store(true)
	s.calls.Store(0)
	return w, s
}

func (w *world) slowly(s *slowStore, name string) *bucket.Bucket {
	w.t.Helper()
	b, err := bucket.Open(w.t.Context(), w.env[name], outagetest.WithKeys(),
		bucket.WithTransport(func(http.RoundTripper) http.RoundTripper { return s }))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = b.Close() })
	return b
}

// A month of hourly slices, by a store that takes 40 ms a call and an API of 40
// requests a minute.
func TestVerifyAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, s := monthWorld(t)
		verifyCheaply(t, w, s)
		w.env["MULE_RATE_PER_MIN"] = "6000" // the budget's own share is not what is measured
		verifyDeeply(t, w, s)
		verifyDrillingDown(t, w)
		if n := s.writes.Load(); n > 0 {
			t.Errorf("%d writes", n)
		}
	})
}

// verifyCheaply takes less than a minute.
func verifyCheaply(t *testing.T, w *world, s *slowStore) {
	t.Helper()
	f := w.function()
	asked := w.api.Metrics().Requests["query"]
	began := time.Now()
	list, err := f.Verify(t.Context(), muleaudit.VerifyOptions{})
	took := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	v := list[0]
	asked = w.api.Metrics().Requests["query"] - asked
	t.Logf("%v for %d slices, %d objects, %d events: %d calls to the store, %d to the API", took, v.Slices, v.Objects, v.Events, s.calls.Load(), asked)
	if v.Found != 0 || v.Slices < 720 || v.Objects < 700 || v.Events < 3500 || v.APITotal != v.Events || v.Read != 0 {
		t.Errorf("%+v", v)
	}
	if took > time.Minute {
		t.Errorf("it took %v", took)
	}
	if asked > 35 {
		t.Errorf("%d requests to the API for 30 days", asked)
	}
	if len(v.Left) == 0 {
		t.Error("it does not say what it left out")
	}
}

// verifyDeeply reads all, side by side, and tells how far it is.
func verifyDeeply(t *testing.T, w *world, s *slowStore) {
	t.Helper()
	s.calls.Store(0)
	var shown strings.Builder
	ctx, stop := progress.NewScreen(&shown, nil).Watch(t.Context(), "verify", "slices")
	began := time.Now()
	list, err := w.function().Verify(ctx, muleaudit.VerifyOptions{Deep: true})
	stop()
	took := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	v := list[0]
	t.Logf("%v for %d slices: %d calls to the store", took, v.Slices, s.calls.Load())
	if v.Found != 0 || v.Read != v.Objects || v.APITotal != v.Events || len(v.Left) != 0 {
		t.Errorf("%+v", v)
	}
	if took > time.Minute {
		t.Errorf("it took %v", took)
	}
	if !regexp.MustCompile(`(?m)^  verify: \d+ of 7\d\d slices \(\d+ %\), [\d.]+/s, \d+ s left$`).MatchString(shown.String()) {
		t.Errorf("it told %q", shown.String())
	}
}

// verifyDrillingDown asks in parts only for the day whose total differs, and reads
// again only the slice that does.
func verifyDrillingDown(t *testing.T, w *world) {
	t.Helper()
	late := time.Now().UTC().Add(-15 * 24 * hour)
	if err := w.api.Add("org-1", entry(late, "late")); err != nil {
		t.Fatal(err)
	}
	f := w.function()
	asked := w.api.Metrics().Requests["query"]
	list, err := f.Verify(t.Context(), muleaudit.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	v := list[0]
	if v.Found != 1 || v.Kinds[receipt.Behind] != 1 || !strings.Contains(v.Findings[0].Where, late.Truncate(hour).Format(time.RFC3339)) {
		t.Errorf("%+v", v.FindingList)
	}
	if asked = w.api.Metrics().Requests["query"] - asked; asked < 55 || asked > 65 {
		t.Errorf("%d requests to the API, of which 31 or so are for days and 24 for hours", asked)
	}
	// By default the last days: that one is not among them.
	list, err = f.Verify(t.Context(), muleaudit.VerifyOptions{Last: 7 * 24 * time.Hour})
	if err != nil || list[0].Found != 0 || list[0].To.Sub(list[0].From) != 7*24*hour || len(list[0].Left) != 3 {
		t.Errorf("%+v, %v", list, err)
	}
}

// tampered replaces an object, as whoever may write to the bucket can: with the
// hash it carried, if kept.
func (w *world) tampered(key string, content []byte, kept bool) {
	w.t.Helper()
	a, err := w.output.Attributes(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	opts := &blob.WriterOptions{ContentType: a.ContentType}
	if kept {
		opts.Metadata = a.Metadata
	}
	if err := w.output.WriteAll(w.t.Context(), key, content, opts); err != nil {
		w.t.Fatal(err)
	}
}

// What happens to single events or objects is named: by the cheap pass where
// size, hash or total show it, by the deep one always.
func TestVerifyNamesEveryDamage(t *testing.T) {
	const object = 4
	for _, tc := range []struct {
		name        string
		damage      func(w *world, key string)
		cheap, deep string // the kinds of finding
	}{
		{"nothing", func(*world, string) {}, "", ""},
		{"removed object", func(w *world, key string) { _ = w.output.Remove(w.t.Context(), key) }, receipt.Missing, receipt.Missing},
		{"removed event", func(w *world, key string) { w.tampered(key, gzipLines(w.t, w.object(key)[1:]), false) }, receipt.Altered, receipt.Altered},
		{"altered event", func(w *world, key string) {
			lines := w.object(key)
			lines[1] = strings.Replace(lines[1], "{", `{"x":1,`, 1)
			w.tampered(key, gzipLines(w.t, lines), false)
		}, receipt.Altered, receipt.Altered},
		{"doubled event", func(w *world, key string) {
			lines := w.object(key)
			w.tampered(key, gzipLines(w.t, append(lines, lines[0])), false)
		}, receipt.Altered, receipt.Altered + " " + receipt.Doubled},
		{"doubled object", func(w *world, key string) {
			w.tamperedCopy(key, strings.Replace(key, "-001.", "-002.", 1))
		}, receipt.Unknown, receipt.Unknown},
		{"altered content of the same size, its hash kept", func(w *world, key string) {
			data, err := w.output.ReadAll(w.t.Context(), key)
			if err != nil {
				w.t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			w.tampered(key, data, true)
		}, "", receipt.Altered},
		{"overwritten with the same", func(w *world, key string) {
			data, err := w.output.ReadAll(w.t.Context(), key)
			if err != nil {
				w.t.Fatal(err)
			}
			w.tampered(key, data, false)
		}, "", ""},
		{"event late at the API", func(w *world, _ string) {
			if err := w.api.Add("org-1", entry(aligned(3), "late")); err != nil {
				w.t.Fatal(err)
			}
		}, receipt.Behind, receipt.Behind},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, emulator.Options{}, map[string]string{"OUTPUT_URL": "mem://"})
			if err := w.api.Add("org-1", emulator.Generate("org-1", emulator.Generated{Seed: 20, N: 500, From: aligned(20), To: aligned(1)})...); err != nil {
				t.Fatal(err)
			}
			r := w.mustRun(w.function(), "{}")
			key := r.Orgs[0].Objects[object].Name
			tc.damage(w, key)
			for deep, kind := range map[bool]string{false: tc.cheap, true: tc.deep} {
				list, err := w.function().Verify(t.Context(), muleaudit.VerifyOptions{Deep: deep})
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(slices.Sorted(maps.Keys(list[0].Kinds)), " "); got != kind || list[0].Found > 2 {
					t.Errorf("deep %v: %v, want %q", deep, list[0].FindingList, kind)
				}
			}
		})
	}
}

func gzipLines(t testing.TB, lines []string) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	if _, err := gz.Write([]byte(strings.Join(lines, "\n") + "\n")); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (w *world) tamperedCopy(from, to string) {
	w.t.Helper()
	if err := w.output.Copy(w.t.Context(), to, from, nil); err != nil {
		w.t.Fatal(err)
	}
}

// One organisation that the API refuses is a finding, and holds up no other.
func TestVerifyGoesOnBesideARefusedOrganisation(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "a,b"})
	for _, org := range []string{"a", "b"} {
		w.api.AddSynthetic(org, emulator.Synthetic{N: 100, From: aligned(20), To: aligned(1)})
	}
	w.mustRun(w.function(), "{}")
	w.api.Forbid("a", true)
	list, err := w.function().Verify(t.Context(), muleaudit.VerifyOptions{})
	if err != nil || list[0].Kinds[receipt.Unread] != 1 || list[0].Found != 1 || list[1].Found != 0 || list[1].APITotal != 100 {
		t.Errorf("%+v, %v", list, err)
	}
	if where := fmt.Sprint(list[0].Findings); !strings.Contains(where, "Audit Log Viewer") {
		t.Errorf("it does not say what to do: %s", where)
	}
}
