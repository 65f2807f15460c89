package muleaudit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// setAside is a line of quarantine, the record decoded.
type setAside struct {
	Reason, Code, Record, Encoding string
	Source                         struct {
		Organization string
		From, To     time.Time
		Page, Index  int
	}
}

// quarantined reads what lies in quarantine, by the SHA-256 of the record.
func (w *world) quarantined() map[[32]byte]setAside {
	w.t.Helper()
	return quarantinedIn(w.t, w.openURL(w.env["STATE_URL"]+"?prefix=quarantine/"))
}

func quarantinedIn(t testing.TB, held *bucket.Bucket) map[[32]byte]setAside {
	t.Helper()
	keys, err := held.Keys(t.Context(), "muleaudit/")
	if err != nil {
		t.Fatal(err)
	}
	out := map[[32]byte]setAside{}
	for _, k := range keys {
		data, err := held.ReadAll(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		gz, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for d := json.NewDecoder(gz); ; {
			var s setAside
			err := d.Decode(&s)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", k, err)
			}
			raw := []byte(s.Record)
			if s.Encoding == "base64" {
				if raw, err = base64.StdEncoding.DecodeString(s.Record); err != nil {
					t.Fatal(err)
				}
			}
			s.Record = ""
			sum := sha256.Sum256(raw)
			if _, twice := out[sum]; twice {
				t.Errorf("%s holds what another object holds", k)
			}
			out[sum] = s
		}
	}
	return out
}

// long is an event of so many bytes.
func long(at time.Time, size int) emulator.Event {
	return emulator.Event{Raw: fmt.Appendf(nil, `{"timestamp":%d,"p":%q}`, at.UnixMilli(), strings.Repeat("x", size))}
}

// addWithRejected gives org-1 a log of whole entries, among which are some that
// cannot be delivered.
func (w *world) addWithRejected(long ...emulator.Event) (whole, rejected []emulator.Event) {
	whole = emulator.Generate("org-1", emulator.Generated{Seed: 6, N: 1000, From: aligned(2), To: aligned(1)})
	at := aligned(2).Add(30 * time.Minute)
	rejected = append(long,
		emulator.Event{Time: at, Raw: []byte(`"no object"`)},
		emulator.Event{Time: at, Raw: []byte(`[ {"timestamp": 1} ]`)},
		emulator.Event{Time: at.Add(time.Minute), Raw: []byte(`null`)})
	if err := w.api.Add("org-1", append(append([]emulator.Event{}, whole...), rejected...)...); err != nil {
		w.t.Fatal(err)
	}
	return whole, rejected
}

// wantAside checks that quarantine holds exactly these, with reason and position.
func (w *world) wantAside(want []emulator.Event) {
	w.t.Helper()
	got := w.quarantined()
	if len(got) != len(want) {
		w.t.Errorf("%d records in quarantine, want %d", len(got), len(want))
	}
	for _, e := range want {
		s, ok := got[sha256.Sum256(e.Raw)]
		code, at := "not_object", e.Time
		if ms, ok := anypoint.Timestamp(e.Raw); ok {
			code, at = "record_too_long", time.UnixMilli(ms)
		}
		if !ok || s.Code != code || s.Reason == "" || s.Source.Organization != "org-1" || s.Source.From.After(at) || !s.Source.To.After(at) || s.Source.Page < 1 || s.Source.Page > 6 {
			w.t.Errorf("%.40s: %v, %+v", e.Raw, ok, s)
		}
	}
}

// What cannot be delivered goes to quarantine alone, once, and holds nothing up.
func TestRejectedEntriesHoldNothingUp(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_LOOKBACK": "3h", "MAX_RECORD_BYTES": "100000"})
	whole, rejected := w.addWithRejected(long(aligned(2).Add(10*time.Minute), 200_000), long(aligned(2).Add(11*time.Minute), 1_500_000))
	// Answers break off, inside the long ones too.
	w.api.Faults.Match = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/query") }
	w.api.Faults.Random(5, map[fault.Kind]float64{fault.ResetMid: 0.3, fault.Truncate: 0.2})
	f := w.function()
	r := w.mustRun(f, "{}")
	if r.In != 1005 || r.Out != 1000 || r.Quarantined != 5 || r.Filtered != 0 || r.Orgs[0].Rejected != 5 {
		t.Errorf("receipt %+v", r.Core)
	}
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": whole})
	w.wantAside(rejected)
	span := fmt.Sprintf(`{"from":%q,"to":%q}`, aligned(2).Format(time.RFC3339), aligned(1).Format(time.RFC3339))
	if r := w.mustRun(f, span); r.Out != 0 || r.Quarantined != 0 || r.Filtered != 1005 {
		t.Errorf("read again: %+v", r.Core)
	}
	w.wantAside(rejected)
	for _, deep := range []bool{false, true} {
		if v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{Deep: deep}); err != nil || v[0].Found != 5 || v[0].Kinds[receipt.Quarantined] != 5 || v[0].APITotal != 1005 {
			t.Errorf("deep %v: %+v, %v", deep, v, err)
		}
	}
	// What somebody else put there is named, and hides none of it.
	foreign := "quarantine/muleaudit/" + aligned(2).Format("2006/01/02/") + "foreign.ndjson.gz"
	if err := w.state.WriteAll(t.Context(), foreign, []byte("no gzip"), nil); err != nil {
		t.Fatal(err)
	}
	if v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{}); err != nil || v[0].Found != 6 || v[0].Kinds[receipt.Quarantined] != 5 || v[0].Kinds[receipt.Unread] != 1 {
		t.Errorf("with what is none of ours: %+v, %v", v, err)
	}
	if err := w.state.Delete(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	// A higher limit and a backfill deliver what was too long.
	w.env["MAX_RECORD_BYTES"] = "2000000"
	if r := w.mustRun(w.function(), span); r.Out != 2 || r.Quarantined != 0 {
		t.Errorf("with a higher limit: %+v", r.Core)
	}
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": append(whole, rejected[:2]...)})
	w.wantTidy()
	// What was delivered so, and what never can be, is seen to.
	if err := quarantine.New(w.openURL(w.env["STATE_URL"]+"?prefix=quarantine/"), "muleaudit").Accept(t.Context(),
		func(quarantine.Record) bool { return true }, func(quarantine.Acceptance) {}); err != nil {
		t.Fatal(err)
	}
	if v, err := w.function().Verify(t.Context(), muleaudit.VerifyOptions{Deep: true}); err != nil || v[0].Found != 0 || v[0].Accepted != 5 {
		t.Errorf("%+v, %v", v, err)
	}
}

// What tells no time of its own is found on both sides of a slice's edge, and
// belongs to one. A slice of which nothing can be delivered is complete.
func TestEntriesWithoutTimeAtAnEdge(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	if err := w.api.Add("org-1", emulator.Event{Time: aligned(2), Raw: []byte(`7`)}, emulator.Event{Time: aligned(3), Raw: []byte(`{"no":"timestamp"}`)}); err != nil {
		t.Fatal(err)
	}
	f := w.function()
	if r := w.mustRun(f, "{}"); r.In != 4 || r.Quarantined != 1 || r.Out != 1 {
		t.Errorf("receipt %+v", r)
	}
	if n := len(w.quarantined()); n != 1 {
		t.Errorf("%d records in quarantine", n)
	}
	w.env["MULE_CONCURRENCY"] = "1"
	f = w.function()
	if r := w.mustRun(f, fmt.Sprintf(`{"from":%q,"to":%q}`, aligned(6).Format(time.RFC3339), aligned(1).Format(time.RFC3339))); r.Out != 0 || r.Quarantined != 0 {
		t.Errorf("read again: %+v", r.Core)
	}
	if v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{Deep: true}); err != nil || v[0].Found != 1 || v[0].Kinds[receipt.Quarantined] != 1 {
		t.Errorf("%+v, %v", v, err)
	}
	w.wantTidy()
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// Entries of 20 and 40 MiB pass through a process that stays small.
func TestMemoryWithHugeEntries(t *testing.T) {
	if testing.Short() || scale > 1 {
		t.Skip("about the memory of a process, which has no race detector")
	}
	const most = 128 << 20
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_LOOKBACK": "3h"})
	whole, rejected := w.addWithRejected(long(aligned(2).Add(10*time.Minute), 20<<20), long(aligned(2).Add(40*time.Minute), 40<<20))
	// Parts of the time may be read side by side, so there are some elsewhere.
	w.env["MULE_LOOKBACK"] = "6h"
	for i := range 2 {
		e := long(aligned(3+i), 20<<20+i)
		rejected = append(rejected, e)
		if err := w.api.Add("org-1", e); err != nil {
			t.Fatal(err)
		}
	}
	p := proctest.Start(t, proctest.Build(t, "./cmd/muleaudit"), w.env)
	status, body, err := p.Post(t.Context(), "", nil)
	var r muleaudit.Receipt
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &r) != nil || r.Status != receipt.OK || r.Out != 1000 || r.Quarantined != 7 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Skip(err)
	}
	m := highWater.FindSubmatch(text)
	if m == nil {
		t.Fatalf("no peak in %s", text)
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	t.Logf("peak %d MiB", kb>>10)
	if err != nil || kb<<10 > most {
		t.Errorf("the process had %d MiB, %v", kb>>10, err)
	}
	p.Kill()
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": whole})
	w.wantAside(rejected)
}
