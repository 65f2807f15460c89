package alitags_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alitags"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
)

// TestOneAnswerWithinTheBudget: whatever goes wrong, and however it is mixed,
// every lookup is answered once, within its budget, and what is found is true.
func TestOneAnswerWithinTheBudget(t *testing.T) {
	seeds := uint64(8)
	if raced {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { oneAnswer(t, seed) })
		})
	}
}

func oneAnswer(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	limit := []time.Duration{time.Second, 4 * time.Second, 10 * time.Second}[rng.IntN(3)]
	w := newWorld(t, emulator.Options{
		Latency: time.Duration(rng.IntN(300)) * time.Millisecond, PageRows: 1 + rng.IntN(60),
		CallsPerSecond: rng.IntN(6), NotFound: rng.IntN(2) == 0, LongestSession: 15 * time.Minute,
	}, func(o *alitags.Options) { o.Budget, o.Size = limit, 50+rng.IntN(200) })
	w.cloud.Faults.Delay = 3 * time.Second
	w.cloud.Faults.Random(seed, map[fault.Kind]float64{
		fault.Error500: 0.03, fault.Error503: 0.03, fault.Error429: 0.03, fault.ResetBefore: 0.03, fault.ResetAfter: 0.03,
		fault.ResetMid: 0.02, fault.Truncate: 0.02, fault.Slow: 0.03,
	})
	accounts := []*emulator.Account{w.management, w.member, w.another}
	names := make([]string, 0, len(troubles))
	for name := range troubles {
		names = append(names, name)
	}
	slices.Sort(names)
	resource := func(n int) alitags.Resource {
		r := instance(accounts[n%3].ID(), n)
		r.Type = []string{"ACS::ECS::Instance", "ACS::SLB::LoadBalancer", "ACS::RDS::DBInstance"}[n/3%3]
		return r
	}
	for n := range 300 {
		accounts[n%3].Create(made(resource(n)), map[string]string{"n": fmt.Sprint(n)})
	}
	var asked, answered, cut atomic.Int64
	var all sync.WaitGroup
	for range 400 {
		if rng.IntN(12) == 0 { // something goes wrong for a while, or ends
			a := accounts[rng.IntN(3)]
			trouble := troubles[names[rng.IntN(len(names))]]
			trouble.Until = time.Now().Add(time.Duration(rng.IntN(30)) * time.Second)
			a.Trouble([]string{"", "ECS", "SLB", "Tag"}[rng.IntN(4)], trouble)
			a.Trouble("STS", emulator.Trouble{Delay: 1})
		}
		if rng.IntN(60) == 0 {
			w.cloud.Expire()
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if rng.IntN(8) == 0 {
			time.AfterFunc(time.Duration(rng.IntN(3000))*time.Millisecond, cancel)
		}
		for range 1 + rng.IntN(40) {
			n := rng.IntN(300)
			e := alitags.Event{Name: []string{"StopInstance", "StopInstance", "StopInstance", "TagResources"}[rng.IntN(4)], Time: time.Now()}
			began := time.Now()
			var once atomic.Bool
			asked.Add(1)
			all.Add(1)
			w.Lookup(ctx, resource(n), e, func(a alitags.Answer, err error) {
				defer all.Done()
				if once.Swap(true) {
					t.Error("answered twice")
				}
				if took := time.Since(began); took > limit {
					t.Errorf("answered after %v of %v", took, limit)
				}
				switch {
				case err != nil && (!errors.Is(err, context.Canceled) || ctx.Err() == nil):
					if !alitags.IsFault(err) {
						t.Error(err)
					}
				case err != nil:
					cut.Add(1)
				case a.Status == alitags.Found, a.Status == alitags.Stale:
					if got := a.Tags.Map(); got["n"] != fmt.Sprint(n) || len(got) != 1 {
						t.Errorf("%d has tags %v", n, got)
					}
				case a.Status != alitags.Failed && a.Status != alitags.Denied:
					t.Errorf("%d: %s", n, a.Status)
				}
				answered.Add(1)
			})
		}
		time.Sleep(time.Duration(rng.IntN(2000)) * time.Millisecond)
	}
	all.Wait()
	if asked.Load() != answered.Load() {
		t.Errorf("%d lookups, %d answers", asked.Load(), answered.Load())
	}
	if cut.Load() == 0 {
		t.Error("no lookup was cut off: the test tests less than it says")
	}
	t.Logf("%d lookups, %d cut off; %+v", asked.Load(), cut.Load(), w.Stats())
}
