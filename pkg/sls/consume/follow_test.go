package consume_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// consumers returns how many receipts each consumer has left.
func (w *world) consumers() map[string]int {
	names := map[string]int{}
	for _, r := range w.receipts() {
		names[r.Consumer]++
	}
	return names
}

// Two that follow, as "siemfeed run <function> --follow" does it with MODE unset,
// have names of their own and share the shards.
func TestFollowersHaveNamesOfTheirOwn(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, map[string]string{"SLS_HEARTBEAT": "100ms", "SLS_GROUP_TIMEOUT": "3s"})
	gen := emulator.NewGenerator(1)
	w.Fill(gen, 5, 20)
	var stops []func() error
	for range 2 {
		stops = append(stops, w.Following(w.consumer()))
	}
	consumetest.Eventually(t, "both hold a shard", func() bool {
		owners := map[string]bool{}
		for _, name := range w.Store.Owners(group) {
			owners[name] = true
		}
		return len(owners) == 2
	})
	w.Fill(gen, 5, 20)
	consumetest.Eventually(t, "all is delivered", func() bool { return len(w.mem.arrived()) == len(w.Logs()) })
	for _, stop := range stops {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	if names := w.consumers(); len(names) != 2 {
		t.Errorf("two that follow called themselves %v", names)
	}
	w.wantAll(false)
	w.wantProof()
}

// One that follows keeps its name, and so its shards, over a time in which
// its sink takes nothing, and goes on within two heartbeats.
func TestFollowerKeepsItsName(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, map[string]string{"MODE": "follow", "SLS_HEARTBEAT": "1s", "SLS_GROUP_TIMEOUT": "30s"})
	w.mem.busy = true
	w.Fill(emulator.NewGenerator(1), 2, 5)
	stop := w.Following(w.consumer())
	consumetest.Eventually(t, "following broke off", func() bool { return strings.Contains(w.Log.String(), "following broke off") })
	w.mem.set(func(m *memory) { m.busy = false })
	consumetest.Eventually(t, "all is delivered", func() bool { return len(w.mem.arrived()) == len(w.Logs()) })
	_ = stop()
	if names := w.consumers(); len(names) != 1 {
		t.Errorf("one process called itself %v", names)
	}
	w.wantAll(true)
	w.wantProof()
}

func TestFollowAnswersTicksAndTellsItsReadiness(t *testing.T) {
	w := newWorld(t, emulator.Options{}, quick)
	f := w.follower("one")
	if f.Ready() == nil {
		t.Error("ready before it has begun")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f.Background(ctx); err != nil {
			t.Error(err)
		}
	})
	consumetest.Eventually(t, "it is ready", func() bool { return f.Ready() == nil })
	if r, err := w.run(f); err != nil || r.Status != receipt.Busy {
		t.Errorf("%v %+v", err, r)
	}
	w.Fill(emulator.NewGenerator(1), 5, 10)
	consumetest.Eventually(t, "all is delivered", func() bool { return len(w.mem.arrived()) == 100 })
	if len(f.Status()) != 2 {
		t.Errorf("%v", f.Status())
	}
	cancel()
	wg.Wait()
	if f.Ready() == nil {
		t.Error("ready after its end")
	}
	w.wantAll(false)
	w.WantCheckpoints(group)
}

// A handover in good order repeats nothing.
func TestHandoverRepeatsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, emulator.Options{Shards: 4, MaxPullBytes: 20000}, quick)
	gen := emulator.NewGenerator(1)
	w.Fill(gen, 40, 10)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 3 {
		f := w.follower(fmt.Sprint("consumer-", i))
		wg.Go(func() {
			if err := f.Follow(ctx, nil); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(100 * time.Millisecond)
		w.Fill(gen, 10, 10)
	}
	consumetest.Eventually(t, "all is delivered", func() bool { return len(w.mem.arrived()) == 4*70*10 })
	cancel()
	wg.Wait()
	w.wantAll(false)
	w.WantCheckpoints(group)
}
