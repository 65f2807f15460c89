package muleaudit_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// entry is an event at a moment, told from others by its name.
func entry(at time.Time, name string) emulator.Event {
	return emulator.Event{Raw: fmt.Appendf(nil, `{"timestamp":%d,"action":%q}`, at.UnixMilli(), name)}
}

func TestSharedMillisecondsAndSliceEdges(t *testing.T) {
	edge := aligned(2)
	var events []emulator.Event
	for i := range 500 { // more than a page in one millisecond, right on the edge
		events = append(events, entry(edge, fmt.Sprint("on the edge ", i)))
	}
	for i := range 3 {
		events = append(events,
			entry(edge.Add(-time.Millisecond), fmt.Sprint("last of the slice before ", i)),
			entry(edge.Add(hour-time.Millisecond), fmt.Sprint("last of the slice ", i)),
			entry(edge.Add(hour), fmt.Sprint("first of the next ", i)))
	}
	w := newWorld(t, emulator.Options{}, nil)
	if err := w.api.Add("org-1", events...); err != nil {
		t.Fatal(err)
	}
	f := w.function()
	for range 2 {
		w.mustRun(f, "{}")
		w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
	}
	if r := w.mustRun(f, "{}"); r.Orgs[0].APITotal != r.Filtered {
		t.Errorf("counted %d, received %d", r.Orgs[0].APITotal, r.Filtered)
	}
}

func TestIdenticalEntriesAreOneEvent(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	at := aligned(2)
	same := entry(at, "same")
	spaced := emulator.Event{Raw: fmt.Appendf(nil, `{ "timestamp": %d, "action": "same" }`, at.UnixMilli())}
	other := emulator.Event{Raw: fmt.Appendf(nil, `{"action":"same","timestamp":%d}`, at.UnixMilli())}
	if err := w.api.Add("org-1", same, same, spaced, other); err != nil {
		t.Fatal(err)
	}
	r := w.mustRun(w.function(), "{}")
	if r.In != 4 || r.Out != 2 || r.Filtered != 2 {
		t.Errorf("receipt %+v", r.Core)
	}
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": {same, other}})
}

func TestEntryWithoutTimestampStaysWhereItWasFound(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	at := aligned(3)
	events := []emulator.Event{
		entry(at.Add(time.Minute), "a"),
		{Time: at.Add(2 * time.Minute), Raw: []byte(`{"action":"no timestamp"}`)},
		{Time: at.Add(2 * time.Minute), Raw: []byte(`{"timestamp":null,"payload":{"timestamp":1}}`)},
		{Time: at.Add(2 * time.Minute), Raw: []byte(`{"timestamp":"yesterday"}`)},
		entry(at.Add(3*time.Minute), "b"),
	}
	if err := w.api.Add("org-1", events...); err != nil {
		t.Fatal(err)
	}
	f := w.function()
	r := w.mustRun(f, "{}")
	if o := r.Orgs[0]; o.Untimed != 3 || len(o.Objects) != 1 {
		t.Fatalf("receipt %+v", o)
	}
	want := []string{string(events[0].Raw), string(events[1].Raw), string(events[2].Raw), string(events[3].Raw), string(events[4].Raw)}
	if got := w.object(r.Orgs[0].Objects[0].Name); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if r := w.mustRun(f, "{}"); r.Out != 0 {
		t.Errorf("a second run: %+v", r.Core)
	}
}

func TestLateEventsGoIntoFurtherObjects(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_OVERLAP": "2h"})
	now := time.Now().UTC()
	early := []emulator.Event{entry(aligned(1).Add(time.Minute), "early"), entry(aligned(3).Add(time.Minute), "earlier")}
	if err := w.api.Add("org-1", early...); err != nil {
		t.Fatal(err)
	}
	f := w.function()
	w.mustRun(f, "{}")

	late := []emulator.Event{
		entry(aligned(1), "late, before what is there"),
		entry(aligned(1).Add(2*time.Minute), "late, after what is there"),
		entry(now.Add(-2*time.Hour), "late by a little less than the overlap"),
	}
	if err := w.api.Add("org-1", late...); err != nil {
		t.Fatal(err)
	}
	r := w.mustRun(f, "{}")
	if o := r.Orgs[0]; o.Late != 3 || o.Events != 3 {
		t.Errorf("receipt %+v", o)
	}
	for _, obj := range r.Orgs[0].Objects {
		if obj.Name[len(obj.Name)-len("002.json.gz"):] == "001.json.gz" && obj.Events > 1 {
			t.Errorf("late events in %s", obj.Name)
		}
	}
	if r := w.mustRun(f, "{}"); r.Out != 0 {
		t.Errorf("a third run: %+v", r.Core)
	}
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": append(early, late...)})
}

func TestCurrentSliceGrowsByFurtherObjects(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_SETTLE": "1s", "MULE_SLICE": "24h", "MULE_LOOKBACK": "1m"})
	f := w.function()
	var all []emulator.Event
	for i := range 3 {
		e := entry(time.Now().Add(-2*time.Second), fmt.Sprint("now ", i))
		all = append(all, e)
		if err := w.api.Add("org-1", e); err != nil {
			t.Fatal(err)
		}
		if r := w.mustRun(f, "{}"); r.Out != 1 {
			t.Fatalf("run %d: %+v", i, r)
		}
	}
	w.wantExactly(24*hour, map[string][]emulator.Event{"org-1": all})
}

func TestSettleLeavesTheNewestForLater(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	settled, fresh := entry(time.Now().Add(-6*time.Minute), "settled"), entry(time.Now().Add(-4*time.Minute), "fresh")
	if err := w.api.Add("org-1", settled, fresh); err != nil {
		t.Fatal(err)
	}
	w.mustRun(w.function(), "{}")
	w.wantExactly(hour, map[string][]emulator.Event{"org-1": {settled}})
}

// What an object holds is known from STATE_URL alone.
func TestFeedDeletesWhatItHasRead(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	events := emulator.Generate("org-1", emulator.Generated{Seed: 3, N: 500, From: aligned(5), To: aligned(1)})
	if err := w.api.Add("org-1", events...); err != nil {
		t.Fatal(err)
	}
	f := w.function()
	w.mustRun(f, "{}")
	w.deleteOutput()
	if r := w.mustRun(f, fmt.Sprintf(`{"from":%q,"to":%q}`, aligned(6).Format(time.RFC3339), aligned(1).Format(time.RFC3339))); r.Out != 0 {
		t.Errorf("exported again: %+v", r.Core)
	}
	if keys, _ := w.output.Keys(t.Context(), ""); len(keys) != 0 {
		t.Errorf("written again: %v", keys)
	}
}

func (w *world) deleteOutput() {
	w.t.Helper()
	keys, err := w.output.Keys(w.t.Context(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, k := range keys {
		if err := w.output.Remove(w.t.Context(), k); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Another slice length after a new deployment finds what the old one exported.
func TestSliceLengthMayChange(t *testing.T) {
	w := newWorld(t, emulator.Options{}, nil)
	events := emulator.Generate("org-1", emulator.Generated{Seed: 4, N: 700, From: aligned(10), To: aligned(0)})
	if err := w.api.Add("org-1", events[:400]...); err != nil {
		t.Fatal(err)
	}
	span := fmt.Sprintf(`{"from":%q,"to":%q}`, aligned(10).Format(time.RFC3339), aligned(0).Format(time.RFC3339))
	w.mustRun(w.function(), span)
	if err := w.api.Add("org-1", events[400:]...); err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, length := range []string{"30m", "2h", "1h", "24h"} {
		w.env["MULE_SLICE"] = length
		r := w.mustRun(w.function(), span)
		total += r.Out
	}
	if total != 300 {
		t.Errorf("300 new events were exported %d times", total)
	}
	w.wantExactly(24*hour, map[string][]emulator.Event{"org-1": events})
}

func TestSubOrganisationsAndSeveralOrgs(t *testing.T) {
	w := newWorld(t, emulator.Options{}, map[string]string{"MULE_ORG_ID": "root,other,root", "MULE_INCLUDE_SUBORGS": "true"})
	w.api.AddOrg("root", "")
	w.api.AddOrg("child", "root")
	w.api.AddOrg("grandchild", "child")
	want := map[string][]emulator.Event{}
	for i, org := range []string{"root", "child", "grandchild", "other"} {
		want[org] = emulator.Generate(org, emulator.Generated{Seed: uint64(i), N: 300, From: aligned(5), To: aligned(1)})
		if err := w.api.Add(org, want[org]...); err != nil {
			t.Fatal(err)
		}
	}
	r := w.mustRun(w.function(), "{}")
	if len(r.Orgs) != 4 {
		t.Errorf("receipt of %d organisations", len(r.Orgs))
	}
	w.wantExactly(hour, want)
}

// An instance of before MULE_SLICE was changed that stands still while one of
// after it exports the same time finds that it has, and goes on after it.
func TestSliceLengthChangesWhileARunStandsStill(t *testing.T) {
	for name, lengths := range map[string][2]string{"shorter": {"1h", "30m"}, "longer": {"30m", "1h"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := asleep(t, emulator.Options{}, map[string]string{"MULE_CONCURRENCY": "1", "QUARANTINE_URL": "file://" + t.TempDir()})
				// In the second half of each hour, so that slices of both lengths do not
				// begin together.
				var events []emulator.Event
				for h := range 5 {
					from := aligned(6 - h).Add(30 * time.Minute)
					events = append(events, emulator.Generate("org-1", emulator.Generated{Seed: uint64(h), N: 60, From: from, To: from.Add(25 * time.Minute)})...)
				}
				if err := w.api.Add("org-1", events...); err != nil {
					t.Fatal(err)
				}
				w.env["MULE_SLICE"] = lengths[0]
				before := w.function()
				w.env["MULE_SLICE"] = lengths[1]
				after := w.function()
				type stands struct{}
				still := make(chan struct{})
				var once sync.Once
				w.state.Guard(func(ctx context.Context, key string, write bool) error {
					if ctx.Value(stands{}) != nil && write && strings.Contains(key, "/staged/") {
						once.Do(func() { close(still); time.Sleep(5 * time.Minute) })
					}
					return nil
				})
				var wg sync.WaitGroup
				wg.Go(func() {
					ctx := context.WithValue(t.Context(), stands{}, true)
					if r, err := before.Run(ctx, trigger.Event{Kind: trigger.Tick}); err != nil {
						t.Errorf("%+v, %v", r.Base(), err)
					}
				})
				<-still
				w.mustRun(after, "{}")
				wg.Wait()
				w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
			})
		})
	}
}
