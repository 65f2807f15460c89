package slshec_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// quick waits for its shards in milliseconds, not seconds. How long a group waits
// for the silent stays as it is: a slow machine leaves anybody silent for seconds.
var quick = map[string]string{"SLS_HEARTBEAT": "50ms"}

// refusedOf refuses about one event in a hundred, whatever request it is in.
func refusedOf(e splunk.Event) int {
	if strings.HasSuffix(e.ID, "3:11") || strings.HasSuffix(e.ID, "7:5") || strings.HasSuffix(e.ID, "5:9") {
		return 6
	}
	return 0
}

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
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { chaos(t, seed) })
		})
	}
}

func chaos(t *testing.T, seed int) {
	rng := rand.New(rand.NewPCG(uint64(seed), 7))
	// Half of the seeds know no request that was taken and not answered:
	// nothing may then arrive twice.
	repeats := seed%2 == 0
	env := maps.Clone(quick)
	env["HEC_BATCH_BYTES"] = fmt.Sprint(8000 + rng.IntN(30000))
	if seed%3 == 0 {
		env["HEC_ACK"] = "true"
		if repeats { // acknowledgements get lost, since they are given once
			env["HEC_ACK_TIMEOUT"] = "300ms"
		}
	}
	h := splunk.Options{Refuse: refusedOf, OmitEventNumber: seed%4 == 1, AckDelay: 5 * time.Millisecond}
	if seed%5 == 2 { // refused on the way instead
		h.Firewall = firewall([]int{400, 403, 413}[seed%3])
	}
	h.AlwaysOK = seed%7 == 3
	if repeats { // some of a request are taken, and then the queue is full
		var mu sync.Mutex
		draw := rand.New(rand.NewPCG(uint64(seed), 8))
		h.BusyAfter = func(events int) int {
			mu.Lock()
			defer mu.Unlock()
			if draw.IntN(20) == 0 {
				return draw.IntN(events)
			}
			return events
		}
	}
	w := newWorld(t, emulator.Options{Shards: 2 + seed%2, MaxPullBytes: 30000, Misspelt: seed%3 == 1}, h, env)
	faults := map[fault.Kind]float64{fault.Error500: 0.04, fault.Error503: 0.03, fault.Error429: 0.02, fault.ResetBefore: 0.02}
	if repeats {
		maps.Copy(faults, map[fault.Kind]float64{fault.ResetAfter: 0.03, fault.ResetMid: 0.03, fault.Truncate: 0.03})
	}
	w.hec.Faults.Random(uint64(seed), faults)
	w.Chaos(consumetest.Chaos{
		Seed: uint64(seed), Repeats: repeats, Drains: w.function(), Follows: w.follower("second"),
		Meanwhile: func(step int) {
			switch {
			case step == 2 && seed%4 == 3: // a proxy comes between
				w.hec.Set(func(o *splunk.Options) { o.Gzip = splunk.LosesEncoding })
			case step == 2 && seed%4 == 2: // to be asked again tomorrow
				w.hec.Set(func(o *splunk.Options) { o.Busy, o.RetryAfter = true, 24*time.Hour })
			}
		},
		Heal: func() {
			w.hec.Faults.Random(0, nil)
			w.hec.Set(func(o *splunk.Options) { o.Busy, o.BusyAfter = false, nil })
		},
	})
	w.wantAll(repeats)
	for _, r := range w.receipts() {
		if err := r.Balance(); err != nil {
			t.Error(err)
		}
	}
}

// TestProcess runs the program as it is deployed.
func TestProcess(t *testing.T) {
	bin := proctest.Build(t, "./cmd/slshec")
	consumetest.AtOnce(t, map[string]func(*testing.T){
		"nothing is lost through kills":            func(t *testing.T) { kills(t, bin) },
		"three follow and one is killed":           func(t *testing.T) { threeFollowers(t, bin) },
		"each invocation with its own credentials": func(t *testing.T) { invocations(t, bin) },
		"the end of a run repeats nothing":         func(t *testing.T) { slowCollector(t, bin) },
		"checkpoints that fail repeat little":      func(t *testing.T) { failingCheckpoints(t, bin) },
		"an invocation is answered in time":        func(t *testing.T) { collectorDown(t, bin) },
	})
}

func kills(t *testing.T, bin string) {
	const kills = 8
	env := maps.Clone(quick)
	maps.Copy(env, map[string]string{"LEASE_TTL": "2s", "HEC_BATCH_BYTES": "20000"})
	w := newWorld(t, emulator.Options{Shards: 2, MaxPullBytes: 50000}, splunk.Options{Refuse: refusedOf, Latency: 20 * time.Millisecond}, env)
	gen := emulator.NewGenerator(1)
	rng := rand.New(rand.NewPCG(1, 7))
	w.Fill(gen, 100, 20)
	busy := 0
	next := proctest.Start(t, bin, w.Env)
	for i := range kills {
		p, kept := next, len(w.receipts())
		ended := make(chan struct{})
		go func() { // cut off
			defer close(ended)
			for { // until the lease of the run that was killed is over
				status, answer, err := p.Post(t.Context(), "", nil)
				if err != nil || !strings.Contains(string(answer), `"status":"busy"`) {
					return
				}
				if busy++; status != http.StatusOK {
					t.Errorf("busy is answered %d", status)
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		next = proctest.Start(t, bin, w.Env)        // up before the kill, so that it meets the lease
		for i%2 == 0 && len(w.receipts()) == kept { // of these the first checkpoint is awaited
			select {
			case <-ended:
				kept = -1
			case <-time.After(5 * time.Millisecond):
			}
		}
		time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
		p.Kill()
		<-ended
		w.Fill(gen, 5, 20)
	}
	if busy == 0 {
		t.Error("no run was found at work, though each was killed")
	}
	consumetest.Eventually(t, "a run ends well", func() bool {
		status, answer, err := next.Post(t.Context(), "{}", nil)
		return err == nil && status == http.StatusOK && strings.Contains(string(answer), `"status":"ok"`)
	})
	w.wantAll(true)
	w.WantCheckpoints(group)
	if err := next.Stop(syscall.SIGTERM, time.Minute); err != nil {
		t.Error(err)
	}
	w.wantProof()
	killed := 0
	for _, r := range w.receipts() {
		if err := r.Balance(); err != nil {
			t.Error(err)
		}
		if r.Status == receipt.Running {
			killed++
		}
	}
	if killed == 0 {
		t.Error("no run was killed after its first checkpoint")
	}
	w.wantNoSecret(next.Output())
}

// Three processes share the shards of a group, and one is killed: the others
// take its shards over, and from its timeout on no shard has two senders.
func threeFollowers(t *testing.T, bin string) {
	const shards = 6
	w := newWorld(t, emulator.Options{Shards: shards}, splunk.Options{}, nil)
	gen := emulator.NewGenerator(1)
	w.Fill(gen, 5, 10)
	var procs []*proctest.Process
	for i := range 3 {
		env := maps.Clone(w.Env)
		maps.Copy(env, quick)
		maps.Copy(env, map[string]string{"SLS_GROUP_TIMEOUT": "10s", "MODE": "follow", "HEC_HOST": fmt.Sprint("process-", i)})
		procs = append(procs, proctest.Start(t, bin, env))
	}
	consumetest.Eventually(t, "each has its share", func() bool {
		held := map[string]int{}
		for _, o := range w.Store.Owners(group) {
			held[o]++
		}
		return len(held) == 3 && len(w.Store.Owners(group)) == shards
	})
	w.Fill(gen, 20, 10)
	consumetest.Eventually(t, "half of it is delivered", func() bool { return w.hec.Stats().Events > shards*15*10 })
	procs[0].Kill()
	w.Fill(gen, 20, 10)
	consumetest.Eventually(t, "the others have it all", func() bool {
		owners := w.Store.Owners(group)
		held := map[string]bool{}
		for _, o := range owners {
			held[o] = true
		}
		return len(owners) == shards && len(held) == 2
	})
	w.mu.Lock()
	after := len(w.heard)
	w.mu.Unlock()
	w.Fill(gen, 20, 10)
	consumetest.Eventually(t, "all of it is delivered", func() bool { return len(w.hec.Counts()) == shards*65*10 })
	w.mu.Lock()
	senders := map[string]map[string]bool{}
	for _, e := range w.heard[after:] {
		if senders[e.ID] == nil {
			senders[e.ID] = map[string]bool{}
		}
		senders[e.ID][e.Host] = true
	}
	w.mu.Unlock()
	for shard, hosts := range senders {
		if len(hosts) != 1 || hosts["process-0"] {
			t.Errorf("shard %s was sent for by %v", shard, hosts)
		}
	}
	for _, p := range procs[1:] {
		if err := p.Stop(syscall.SIGTERM, time.Minute); err != nil {
			t.Error(err)
		}
		w.wantNoSecret(p.Output())
	}
	w.wantAll(true)
	w.WantCheckpoints(group)
	w.wantProof()
	var out int64
	for _, r := range w.receipts() {
		if err := r.Balance(); err != nil || r.Mode != "follow" {
			t.Errorf("%v %+v", err, r)
		}
		out += r.Out
	}
	if out == 0 {
		t.Error("no receipt was kept")
	}
}
