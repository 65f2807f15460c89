package muleaudit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// mortal kills a process before it asks one of its buckets for something the nth
// time: from then on it asks nothing any more.
type mortal struct {
	mu   sync.Mutex
	left int
}

var errKilled = errors.New("the process is dead")

func (m *mortal) guard(_ context.Context, _ string, _ bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left--; m.left < 0 {
		return errKilled
	}
	return nil
}

// instants is how far apart those are at which is killed: each, or where that
// takes long some of them.
const instants = 1 + scale/4

// A run is killed before each thing that it asks of a store, one after the other.
// The next run ends what it began: every event is out once, every entry that
// cannot be delivered is set aside once, and nothing waits.
func TestKilledAtEachInstant(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred worlds")
	}
	for n, done := 0, false; !done; n += instants {
		synctest.Test(t, func(t *testing.T) {
			w := asleep(t, emulator.Options{}, map[string]string{
				"QUARANTINE_URL": "file://" + t.TempDir(), "MULE_LOOKBACK": "3h", "MULE_PAGE_SIZE": "10", "MAX_RECORD_BYTES": "1000", "MULE_CONCURRENCY": "1",
			})
			held := w.openURL(w.env["QUARANTINE_URL"])
			whole := emulator.Generate("org-1", emulator.Generated{Seed: 6, N: 40, From: aligned(2), To: aligned(0)})
			rejected := []emulator.Event{
				long(aligned(2).Add(10*time.Minute), 2000), long(aligned(2).Add(20*time.Minute), 300<<10), long(aligned(1), 3000),
			}
			add := func(events ...emulator.Event) {
				t.Helper()
				if err := w.api.Add("org-1", events...); err != nil {
					t.Fatal(err)
				}
			}
			add(append(append([]emulator.Event{}, whole...), rejected...)...)
			time.Sleep(time.Minute)

			m := &mortal{left: n}
			for _, b := range []*bucket.Bucket{w.state, w.output} {
				b.Guard(m.guard)
			}
			_, err := w.function().Run(t.Context(), trigger.Event{Kind: trigger.Tick})
			done = err == nil && m.left >= 0
			for _, b := range []*bucket.Bucket{w.state, w.output} {
				b.Guard(nil)
			}

			// More has come meanwhile, new and late.
			for i := range 3 {
				e := entry(time.Now().Add(-time.Duration(6+20*i)*time.Minute), fmt.Sprint("meanwhile ", i))
				whole = append(whole, e)
				add(e)
			}
			rejected = append(rejected, long(aligned(2).Add(15*time.Minute), 4000))
			add(rejected[3])
			time.Sleep(15 * time.Minute)
			w.mustRun(w.function(), "{}")
			time.Sleep(hour)
			if r := w.mustRun(w.function(), "{}"); r.Quarantined != 0 {
				t.Errorf("killed before %d: %+v", n, r.Core)
			}
			w.wantExactly(hour, map[string][]emulator.Event{"org-1": whole})
			w.wantPublished()
			if got := quarantinedIn(t, held); len(got) != len(rejected) {
				t.Errorf("killed before %d: %d entries are set aside, want %d", n, len(got), len(rejected))
			}
			v, err := w.function().Verify(t.Context(), muleaudit.VerifyOptions{Deep: n%10 == 0})
			if err != nil || v[0].Found != int64(len(rejected)) || v[0].Kinds[receipt.Quarantined] != v[0].Found {
				t.Errorf("killed before %d: %+v, %v", n, v, err)
			}
			if t.Failed() {
				done = true
			}
		})
		if done {
			t.Logf("killed before each of %d", n)
		}
	}
}
