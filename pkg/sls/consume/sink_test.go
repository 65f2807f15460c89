package consume_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// odd refuses about one log in a hundred.
func odd(id string) bool { return strings.HasSuffix(id, "3:11") || strings.HasSuffix(id, "7:5") }

// Nothing is lost by any sink, whatever fails: the plainest one shows that it is
// no sink's merit.
func TestNothingIsLostUnderFaults(t *testing.T) {
	seeds := 20
	if testing.Short() {
		seeds = 6
	}
	var all sync.WaitGroup
	defer all.Wait()
	together := make(chan struct{}, 6) // they wait more than they compute
	for seed := range seeds {
		together <- struct{}{}
		all.Go(func() {
			defer func() { <-together }()
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
				repeats := seed%2 == 0
				w := newWorld(t, emulator.Options{Shards: 2 + seed%2, MaxPullBytes: 30000, Misspelt: seed%3 == 1}, quick)
				w.mem.latency, w.mem.refuse = 2*time.Millisecond, odd
				if seed%4 == 1 {
					w.mem.slots = make(chan struct{}, 2)
				}
				delays := rand.New(rand.NewPCG(uint64(seed), 3)) //nolint:gosec // a test
				w.mem.slow = func(string) <-chan struct{} {
					if delays.IntN(100) > 0 {
						return nil
					}
					after := make(chan struct{})
					time.AfterFunc(time.Duration(delays.IntN(50))*time.Millisecond, func() { close(after) })
					return after
				}
				w.Chaos(consumetest.Chaos{
					Seed: uint64(seed), Repeats: repeats, Drains: w.consumer(), Follows: w.follower("second"),
					Meanwhile: func(step int) { // it fails one run, or what is under way of it
						w.mem.set(func(m *memory) { m.busy = repeats && step == 2 })
					},
					Heal: func() { w.mem.set(func(m *memory) { m.busy = false }) },
				})
				w.wantAll(repeats)
				for _, r := range w.receipts() {
					if err := r.Balance(); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// One log that takes long holds the checkpoint of its shard before it, and
// nothing else: the rest of its page, the pages after it and other shards are
// carried on, and what a sink counts besides is in the receipt.
func TestOneSlowLogHoldsNoOther(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2}, quick)
	w.Fill(emulator.NewGenerator(1), 60, 10)
	slow := consumetest.ID(0, w.First[0]+20, 4)
	release := make(chan struct{})
	w.mem.slow = func(id string) <-chan struct{} {
		if id == slow {
			return release
		}
		return nil
	}
	stop := w.Following(w.follower("one"))
	consumetest.Eventually(t, "all others are there", func() bool { return len(w.mem.arrived()) == len(w.Logs())-1 })
	_, end := w.Store.Range(1)
	consumetest.Eventually(t, "the other shard's checkpoint is at its end", func() bool { return w.Checkpoint(group, 1) == end })
	if at := w.Checkpoint(group, 0); at > w.First[0]+20 {
		t.Errorf("the checkpoint is at %d, and the log at %d is under way", at, w.First[0]+20)
	}
	close(release)
	consumetest.Eventually(t, "all are there", func() bool { return len(w.mem.arrived()) == len(w.Logs()) })
	if err := stop(); err != nil {
		t.Error(err)
	}
	w.wantAll(false)
	w.WantCheckpoints(group)
	w.wantProof()
}

// What a sink counts besides is summed up over what is saved, and the function
// makes keys of it.
func TestCountsOfTheFunctionsOwn(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 3}, quick)
	w.Fill(emulator.NewGenerator(1), 30, 10)
	released := make(chan struct{})
	close(released)
	w.mem.slow = func(id string) <-chan struct{} {
		if strings.HasSuffix(id, ":4") {
			return released
		}
		return nil
	}
	if r := w.mustRun(w.consumer()); r.More["slow"] != 3*30 || r.Out != 3*30*10 {
		t.Errorf("receipt %+v", r)
	}
}
