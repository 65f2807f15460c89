package muleaudit_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Three instances run side by side for hours, one of them backfills too. Any of
// them stands still, for up to ten minutes, before any request to a store, and
// then goes on; some runs are killed before one. Events come
// late, and some cannot be delivered. Each event is out once in the end, and set
// aside once if it cannot be, and the state tells of each where it is.
func TestStalledRunsGoOn(t *testing.T) {
	seeds := 4
	if testing.Short() || scale > 1 {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { stalls(t, uint64(seed)) })
		})
	}
}

// life is how long a run lives, as its context tells.
type life struct{}

func stalls(t *testing.T, seed uint64) {
	const hours, every = 5, 6 * time.Minute
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 11))
	draw := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return rng.IntN(n)
	}
	w := asleep(t, emulator.Options{Latency: 100 * time.Millisecond}, map[string]string{
		"QUARANTINE_URL": "file://" + t.TempDir(), "MULE_LOOKBACK": "2h", "MULE_PAGE_SIZE": "10", "MAX_RECORD_BYTES": "1000", "MULE_SLICE": "30m",
		"MULE_CONCURRENCY": "1", // in a bubble no walk can wait for another's lock while time passes
	})
	begin := time.Now()
	var events, rejected []emulator.Event
	for i := range 600 {
		at := begin.Add(-hour + time.Duration(draw(int((hours+1)*hour))))
		e := entry(at, fmt.Sprint(i))
		if i%40 == 0 {
			e = long(at, 1500+i)
		}
		if e.VisibleAt = at; i%5 == 0 { // late, by no more than is looked back for
			e.VisibleAt = at.Add(time.Duration(draw(int(40 * time.Minute))))
		}
		if i%40 == 0 {
			rejected = append(rejected, e)
		} else {
			events = append(events, e)
		}
	}
	for _, list := range [][]emulator.Event{events, rejected} {
		if err := w.api.Add("org-1", list...); err != nil {
			t.Fatal(err)
		}
	}
	on := true
	for _, b := range []*bucket.Bucket{w.state, w.output} {
		b.Guard(func(ctx context.Context, key string, write bool) error {
			if on && draw(60) == 0 {
				return retry.Sleep(context.WithoutCancel(ctx), time.Duration(draw(int(10*time.Minute))))
			}
			if m, ok := ctx.Value(life{}).(*mortal); ok && m.guard(ctx, key, write) != nil {
				return errKilled
			}
			return ctx.Err()
		})
	}
	var wg sync.WaitGroup
	for i := range 3 {
		f := w.function()
		wg.Go(func() {
			for time.Since(begin) < hours*hour {
				ctx := t.Context()
				if draw(3) == 0 {
					ctx = context.WithValue(ctx, life{}, &mortal{left: draw(60)})
				}
				message := "{}"
				if i == 0 && draw(3) == 0 {
					to := time.Now().Add(-time.Duration(draw(int(hour))))
					message = fmt.Sprintf(`{"from":%q,"to":%q}`, to.Add(-time.Duration(draw(int(2*hour)))).Format(time.RFC3339Nano), to.Format(time.RFC3339Nano))
				}
				_, _ = f.Run(ctx, trigger.Event{Kind: trigger.PubSub, Data: []byte(message)}) // may fail
				time.Sleep(time.Duration(draw(int(every))))
			}
		})
	}
	wg.Wait()
	on = false
	time.Sleep(10 * time.Minute)
	f := w.function()
	for range 3 {
		w.mustRun(f, "{}")
		time.Sleep(hour)
	}
	w.wantExactly(30*time.Minute, map[string][]emulator.Event{"org-1": events})
	if got := quarantinedIn(t, w.openURL(w.env["QUARANTINE_URL"])); len(got) != len(rejected) {
		t.Errorf("%d entries are set aside, want %d", len(got), len(rejected))
	}
	w.wantPublished()
	if v, err := f.Verify(t.Context(), muleaudit.VerifyOptions{Deep: true}); err != nil || v[0].Kinds["quarantined"] != v[0].Found {
		for _, found := range v[0].Findings {
			if found.Kind != "quarantined" {
				t.Errorf("%+v", found)
			}
		}
	}
}
