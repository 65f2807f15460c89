package muleaudit_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// rejects is a world in which some entries were too long, and the limit has been
// raised since: it lets all through but one.
func rejects(t *testing.T) (w *world, events []emulator.Event) {
	t.Helper()
	w = asleep(t, emulator.Options{}, map[string]string{
		"QUARANTINE_URL": "file://" + t.TempDir(), "MULE_LOOKBACK": "4h", "MAX_RECORD_BYTES": "1000",
	})
	whole := emulator.Generate("org-1", emulator.Generated{Seed: 6, N: 50, From: aligned(3), To: aligned(1)})
	longer := []emulator.Event{
		long(aligned(3).Add(time.Minute), 2000), long(aligned(3).Add(90*time.Minute), 5000),
		long(aligned(3).Add(100*time.Minute), 300_000), long(aligned(3).Add(20*time.Minute), 6000),
	}
	at := aligned(3).Add(30 * time.Minute)
	spaced := emulator.Event{Time: at, Raw: fmt.Appendf(nil, `{ "timestamp": %d, "p": %q }`, at.UnixMilli(), strings.Repeat("y", 3000))}
	never := []emulator.Event{long(aligned(2), 600_000), {Time: aligned(2), Raw: []byte(`"no object"`)}}
	for _, list := range [][]emulator.Event{whole, longer, never, {spaced}} {
		if err := w.api.Add("org-1", list...); err != nil {
			t.Fatal(err)
		}
	}
	if r := w.mustRun(w.function(), "{}"); r.Quarantined != 7 {
		t.Fatalf("%+v", r.Core)
	}
	w.env["MAX_RECORD_BYTES"] = "500000"
	return w, append(whole, append(longer, spaced)...)
}

// What can be delivered of the quarantine is, once, from what was kept of it: the
// API has forgotten it. What cannot stays, and verify agrees.
func TestReplayDeliversOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, events := rejects(t)
		time.Sleep(time.Minute)
		f := w.function()
		for n := range 2 {
			done, err := f.Replay(t.Context())
			if err != nil || n == 0 && done.Delivered != 5 || done.Rejected != 2 || done.Left != 0 || len(done.Why) > 0 {
				t.Fatalf("replay %d: %+v, %v", n, done, err)
			}
			w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
		}
		w.wantTidy()
		// What tells no time is found on both sides of an edge. Nor does a backfill with the limit as it is now deliver any of it again.
		span := fmt.Sprintf(`{"from":%q,"to":%q}`, aligned(4).Format(time.RFC3339), aligned(0).Format(time.RFC3339))
		if r := w.mustRun(f, span); r.Out != 0 || r.Quarantined != 0 || r.Filtered != 58 {
			t.Errorf("%+v", r.Core)
		}
		for _, deep := range []bool{false, true} {
			v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{Deep: deep})
			if err != nil || v[0].Kinds[receipt.Quarantined] != v[0].Found || v[0].Events != int64(len(events)) {
				t.Errorf("deep %v: %+v, %v", deep, v, err)
			}
		}
		keys, err := w.state.Keys(t.Context(), "muleaudit/receipts/")
		if err != nil || len(keys) != 4 { // both runs and both replays
			t.Errorf("%d receipts, %v", len(keys), err)
		}
	})
}

// Delivered by a backfill first, it is out, and the replay sees to the quarantine.
// Both at once deliver it once.
func TestReplayBesideBackfills(t *testing.T) {
	for name, atOnce := range map[string]bool{"after one": false, "at once": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, events := rejects(t)
				span := fmt.Sprintf(`{"from":%q,"to":%q}`, aligned(4).Format(time.RFC3339), aligned(0).Format(time.RFC3339))
				var wg sync.WaitGroup
				wg.Go(func() {
					f := w.function()
					if r, err := w.run(f, span); err != nil {
						t.Errorf("%+v, %v", r, err)
					}
				})
				if !atOnce {
					wg.Wait()
				}
				done, err := w.function().Replay(t.Context())
				wg.Wait()
				if err != nil || done.Delivered != 5 || done.Rejected != 2 {
					t.Errorf("%+v, %v", done, err)
				}
				w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
			})
		})
	}
}

// A replay that is killed before anything that it asks of the state or the output
// is ended by the next.
func TestReplayKilledAtEachInstant(t *testing.T) {
	for n, done := 0, false; !done; n += instants {
		synctest.Test(t, func(t *testing.T) {
			w, events := rejects(t)
			m := &mortal{left: n}
			for _, b := range []*bucket.Bucket{w.state, w.output} {
				b.Guard(m.guard)
			}
			_, err := w.function().Replay(t.Context())
			done = err == nil && m.left >= 0 || t.Failed()
			for _, b := range []*bucket.Bucket{w.state, w.output} {
				b.Guard(nil)
			}
			time.Sleep(time.Minute)
			w.mustRun(w.function(), "{}")
			again, err := w.function().Replay(t.Context())
			if err != nil || again.Rejected != 2 {
				t.Fatalf("killed before %d: %+v, %v", n, again, err)
			}
			w.wantExactly(hour, map[string][]emulator.Event{"org-1": events})
			w.wantPublished()
		})
	}
}
