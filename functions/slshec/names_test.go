package slshec_test

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/functions/slshec"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// following runs Follow until the returned function is called.
func (w *world) following(f *slshec.Function) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = f.Follow(ctx, nil) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	w.T.Cleanup(stop)
	return stop
}

// consumers returns how many receipts each consumer has left.
func (w *world) consumers() map[string]int {
	names := map[string]int{}
	for _, r := range w.receipts() {
		names[r.Consumer]++
	}
	return names
}

// Two that follow, as "siemfeed run slshec --follow" does it with MODE unset,
// have names of their own and share the shards.
func TestFollowersHaveNamesOfTheirOwn(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, splunk.Options{}, map[string]string{"SLS_HEARTBEAT": "100ms", "SLS_GROUP_TIMEOUT": "3s"})
	gen := emulator.NewGenerator(1)
	w.Fill(gen, 5, 20)
	var stops []func()
	for range 2 {
		stops = append(stops, w.following(w.function()))
	}
	consumetest.Eventually(t, "both hold a shard", func() bool {
		owners := map[string]bool{}
		for _, name := range w.Store.Owners(group) {
			owners[name] = true
		}
		return len(owners) == 2
	})
	w.Fill(gen, 5, 20)
	consumetest.Eventually(t, "all is delivered", func() bool { return len(w.hec.Counts()) == len(w.Logs()) })
	for _, stop := range stops {
		stop()
	}
	if names := w.consumers(); len(names) != 2 {
		t.Errorf("two that follow called themselves %v", names)
	}
	w.wantAll(false)
	w.wantProof()
}

// One that follows keeps its name, and so its shards, over a time in which
// Splunk takes nothing, and goes on within two heartbeats.
func TestFollowerKeepsItsName(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, splunk.Options{Busy: true}, map[string]string{"MODE": "follow", "SLS_HEARTBEAT": "1s", "SLS_GROUP_TIMEOUT": "30s"})
	w.Fill(emulator.NewGenerator(1), 2, 5)
	stop := w.following(w.function())
	consumetest.Eventually(t, "following broke off", func() bool { return strings.Contains(w.Log.String(), "following broke off") })
	w.hec.Set(func(o *splunk.Options) { o.Busy = false })
	consumetest.Eventually(t, "all is delivered", func() bool { return len(w.hec.Counts()) == len(w.Logs()) })
	stop()
	if names := w.consumers(); len(names) != 1 {
		t.Errorf("one process called itself %v", names)
	}
	w.wantAll(true)
	w.wantProof()
}

// A backfill works whatever MODE says, in a group whose name the service takes,
// and goes on in it when it broke off.
func TestBackfillBesideAFollower(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, splunk.Options{}, map[string]string{"MODE": "follow", "SLS_CG": "Group_of_a-very-long-NAME-indeed"})
	w.Fill(emulator.NewGenerator(1), 5, 20)
	time.Sleep(1100 * time.Millisecond) // a span is whole seconds
	from, to := time.Now().Add(-time.Hour), time.Now()
	var groups []string
	note := func(r receipt.Receipt) { groups = append(groups, r.(*slshec.Receipt).Group) }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := w.function()
	if err := f.Backfill(ctx, from, to, note); err == nil {
		t.Error("a backfill that was stopped is no success")
	}
	if err := w.function().Backfill(t.Context(), from, to, note); err != nil {
		t.Errorf("backfill with MODE=follow: %v", err)
	}
	if err := f.Backfill(t.Context(), from.Add(-time.Second), to, note); err != nil {
		t.Error(err)
	}
	if len(groups) != 3 || groups[0] != groups[1] || groups[1] == groups[2] {
		t.Errorf("groups %q", groups)
	}
	for _, g := range groups {
		if !regexp.MustCompile(`^[0-9a-z]{2,32}$`).MatchString(g) {
			t.Errorf("group %q", g)
		}
	}
	w.wantAll(true)
}
