package muleaudit_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/releasetest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

const recordedEvents = "events.ndjson"

// A release is recorded that exported hours, then half hours by mistake, and had
// an output at last that took nothing, so that manifests are pending. One entry
// is no event, and in quarantine.
func TestRecord(t *testing.T) {
	releasetest.Record(t, "muleaudit", func(r *releasetest.Recording) {
		w := newWorld(t, emulator.Options{}, map[string]string{"MULE_LOOKBACK": "4h"})
		now := time.Now()
		add := func(seed uint64, n int, from time.Duration) []emulator.Event {
			events := emulator.Generate("org-1", emulator.Generated{Seed: seed, N: n, From: now.Add(-from), To: now.Add(-6 * time.Minute)})
			if err := w.api.Add("org-1", events...); err != nil {
				t.Fatal(err)
			}
			return events
		}
		run := func(want int, slice string, started func()) {
			env := maps.Clone(w.env)
			env["MULE_SLICE"] = slice
			p := proctest.Start(t, r.Binary, env)
			defer p.Kill()
			started()
			if status, answer, err := p.Post(t.Context(), "{}", nil); err != nil || status != want {
				t.Fatalf("%d %s %v", status, answer, err)
			}
		}
		events := add(1, 200, 4*time.Hour)
		if err := w.api.Add("org-1", noEvent(now)); err != nil {
			t.Fatal(err)
		}
		run(http.StatusOK, "1h", func() {})
		run(http.StatusOK, "30m", func() {})
		events = append(events, add(2, 80, 50*time.Minute)...)
		output := strings.TrimPrefix(w.env["OUTPUT_URL"], "file://")
		away := output + ".away"
		run(http.StatusInternalServerError, "1h", func() {
			if err := errors.Join(os.Rename(output, away), os.WriteFile(output, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		})
		if err := errors.Join(os.Remove(output), os.Rename(away, output)); err != nil {
			t.Fatal(err)
		}
		r.Keep("state", w.env["STATE_URL"])
		r.Keep("output", w.env["OUTPUT_URL"])
		var lines bytes.Buffer
		for _, e := range events {
			lines.WriteString(compact(t, e.Raw) + "\n")
		}
		r.Write(recordedEvents, lines.Bytes())
	})
}

// noEvent is an entry that was rejected when a state was recorded.
func noEvent(recorded time.Time) emulator.Event {
	return emulator.Event{Time: recorded.Add(-2 * time.Hour), Raw: []byte(`"no object"`)}
}

// What any release left is gone on from: nothing is lost, nothing comes again,
// and all of it can be read.
func TestStateOfReleasesIsTakenOver(t *testing.T) {
	releasetest.Each(t, func(t *testing.T, r *releasetest.Release) {
		synctest.Test(t, func(t *testing.T) { takeOver(t, r) })
	})
}

func takeOver(t *testing.T, r *releasetest.Release) {
	time.Sleep(time.Until(r.Recorded.Add(time.Minute)))
	w := worldAt(t, emulator.New(emulator.Options{ClientSecret: secret}), "http://localhost", map[string]string{
		"STATE_URL": "mem://", "OUTPUT_URL": "mem://", "QUARANTINE_URL": "file://" + t.TempDir(), // which nothing is written to
	})
	w.client = &http.Client{Transport: inprocess.Transport{Handler: w.api}}
	r.Load(t, "state", w.state)
	r.Load(t, "output", w.output)
	r.Copy(t, "state/quarantine", w.env["QUARANTINE_URL"])
	pending, err := w.state.Keys(t.Context(), "muleaudit/org-1/pending/")
	if err != nil || len(pending) == 0 {
		t.Fatalf("the recording has nothing pending: %v", err)
	}
	var events []emulator.Event
	for s := bufio.NewScanner(bytes.NewReader(r.File(t, recordedEvents))); s.Scan(); {
		events = append(events, emulator.Event{Raw: bytes.Clone(s.Bytes())})
	}
	late := entry(r.Recorded.Add(-30*time.Minute), "late")
	fresh := entry(r.Recorded.Add(-5*time.Minute).Add(30*time.Second), "new")
	recorded := len(events)
	events = append(events, late, fresh)
	if err := w.api.Add("org-1", append(slices.Clone(events), noEvent(r.Recorded))...); err != nil {
		t.Fatal(err)
	}
	f := w.function()
	got := w.mustRun(f, "{}")
	if got.Out != 2 || len(got.Orgs[0].Recovered) != len(pending) || got.Orgs[0].Late != 1 {
		t.Errorf("receipt %+v, %+v", got.Core, got.Orgs[0])
	}
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
	w.wantTidy()
	// Of all of it the released version's keys are known.
	span := fmt.Sprintf(`{"from":%q,"to":%q}`, r.Recorded.Add(-5*time.Hour).Format(time.RFC3339), r.Recorded.Add(-5*time.Minute).Format(time.RFC3339))
	if got := w.mustRun(f, span); got.Out != 0 || got.Filtered < int64(recorded) {
		t.Errorf("read again: %+v", got.Core)
	}
	s, _ := r.ReadBack(t, "muleaudit", w.state, w.open("QUARANTINE_URL"))
	if s.Pending.Objects != 1 {
		t.Errorf("status knows of %d objects in quarantine, there is one", s.Pending.Objects)
	}
	verify := func(deep bool, want int64) {
		t.Helper()
		v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{Deep: deep})
		if err != nil || v[0].Found != want {
			t.Errorf("deep %v: %+v, %v", deep, v, err)
		}
	}
	verify(false, 1) // what is in quarantine
	verify(true, 1)

	// A month later its proof goes, but for what is pending, and what was exported
	// is not exported again.
	time.Sleep(30 * day)
	report, err := f.Prune(t.Context(), prune.Options{Keep: prune.Least})
	if err != nil || len(report.Lines) == 0 || report.Lines[0].Objects == 0 {
		t.Errorf("prune: %+v, %v", report, err)
	}
	if got := w.mustRun(f, "{}"); got.Out != 0 {
		t.Errorf("after the receipts have gone: %+v", got.Core)
	}
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
}

func TestNewerStateIsRefused(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	if err := w.api.Add("org-1", entry(time.Now().Add(-time.Hour), "one")); err != nil {
		t.Fatal(err)
	}
	w.mustRun(w.function(), "{}")
	if err := w.api.Add("org-1", entry(time.Now().Add(-6*time.Minute), "two")); err != nil {
		t.Fatal(err)
	}
	from := time.Now().UTC().Add(-2 * time.Hour).Format(time.RFC3339)
	releasetest.Refused(t, "muleaudit", muleaudit.New, w.env, []trigger.Event{
		{Kind: trigger.PubSub, Data: []byte("{}")},
		{Kind: trigger.PubSub, Data: []byte(strings.ReplaceAll(`{"from":"F","to":"`+time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)+`"}`, "F", from))},
	}, w.env["OUTPUT_URL"])
}
