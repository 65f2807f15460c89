package trailtags_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/trailtags"
	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/outagetest"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// soon waits for its shards in milliseconds, not seconds. How long a group waits
// for the silent stays as it is: a slow machine leaves anybody silent for seconds.
var soon = map[string]string{"SLS_HEARTBEAT": "50ms"}

// trails has the world filled with events of three accounts, of which some are
// reads, some name several resources and some none.
func (w *world) trails() {
	accounts := []string{admin, member, third}
	for i := range 60 {
		w.create(accounts[i%3], instance, fmt.Sprintf("i-%03d", i), map[string]string{"project": fmt.Sprint("p", i%7)})
	}
	n := 0
	w.Make = func(gen *emulator.Generator, events int) []byte {
		return gen.TrailOf(events, func(e map[string]any) {
			i := n % 60
			n++
			e["recipientAccountId"], e["resourceType"], e["resourceName"] = accounts[i%3], instance, fmt.Sprintf("i-%03d", i)
			switch {
			case n%7 == 0:
				e["eventRW"] = "Read"
			case n%11 == 0:
				e["resourceName"] = fmt.Sprintf("i-%03d,i-%03d", i, (i+3)%60)
			case n%13 == 0:
				delete(e, "resourceName")
				delete(e, "resourceType")
				delete(e, "referencedResources")
			}
		})
	}
}

// wantRows checks that each write event has its rows, that none is there without
// one, and that those that are there twice are equal but for what is known of tags.
func (w *world) wantRows(repeats bool) {
	w.t.Helper()
	expect := map[string]int{} // rows that an event makes
	for _, l := range w.Logs() {
		e := parse(w.t, l.Contents[0].GetValue())
		switch names, named := e["resourceName"].(string); {
		case e["eventRW"] != "Write":
		case named:
			expect[e["eventId"].(string)] = strings.Count(names, ",") + 1
		default:
			expect[e["eventId"].(string)] = 1
		}
	}
	seen := map[string]map[string]string{}
	rows := map[string]int{}
	for _, row := range w.out() {
		key := row["eventId"] + "/" + row["resourceIndex"]
		if old, twice := seen[key]; twice {
			if !repeats {
				w.t.Errorf("the row %s is there twice", key)
			}
			for _, field := range []string{"eventName", "resourceName", "resourceCount", "userName", "eventTime"} {
				if old[field] != row[field] {
					w.t.Errorf("the row %s differs from one delivery to the next: %v and %v", key, old, row)
				}
			}
			continue
		}
		seen[key] = row
		rows[row["eventId"]]++
		if expect[row["eventId"]] == 0 {
			w.t.Errorf("a row of no event: %v", row)
		}
	}
	missing := 0
	for id, n := range expect {
		if rows[id] != n {
			missing++
		}
	}
	if missing > 0 {
		w.t.Errorf("of %d events %d have not all of their rows", len(expect), missing)
	}
}

func (w *world) follower(name string) *trailtags.Function {
	w.t.Helper()
	cfg := w.config()
	cfg.Mode, cfg.Consumer = "follow", name
	f, err := trailtags.Build(context.Background(), cfg, quick, w.Runtime())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestNothingIsLostUnderFaults(t *testing.T) {
	seeds := 8
	if testing.Short() || scale > 1 {
		seeds = 4
	}
	var all sync.WaitGroup
	defer all.Wait()
	together := make(chan struct{}, 5) // they wait more than they compute
	for seed := range seeds {
		together <- struct{}{}
		all.Go(func() {
			defer func() { <-together }()
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { chaos(t, uint64(seed)) })
		})
	}
}

func chaos(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	env := maps.Clone(soon)
	env["LOOKUP_BUDGET"] = fmt.Sprint(3000+rng.IntN(1000), "ms") // that STS answers within it is not left to chance
	w := newWorld(t, emulator.Options{Shards: 2 + int(seed%2), MaxPullBytes: 30000, Misspelt: seed%3 == 1}, cloud.Options{}, env)
	w.trails()
	// STS is left alone: a run without it fails, as it should.
	w.cloud.Faults.Match = func(r *http.Request) bool { return r.Header.Get("x-acs-action") != "AssumeRole" }
	w.cloud.Faults.Random(seed, map[fault.Kind]float64{fault.Error500: 0.05, fault.Error503: 0.05, fault.ResetBefore: 0.03, fault.ResetMid: 0.03, fault.Truncate: 0.03})
	accounts := []string{admin, member, third}
	w.Chaos(consumetest.Chaos{
		Seed: seed, Repeats: true, Drains: repeating{w.function()}, Follows: repeating{w.follower("second")},
		Meanwhile: func(step int) { // of one account after the other
			w.cloud.AddAccount(accounts[step%3]).Trouble("ECS", []cloud.Trouble{{Hang: true}, {Code: "Throttling.User"}, {Body: "<html>"}, {Delay: 200 * time.Millisecond}}[step%4])
		},
		Heal: func() {
			w.cloud.Faults.Random(0, nil)
			for _, id := range accounts {
				w.cloud.AddAccount(id).Trouble("ECS", cloud.Trouble{})
			}
		},
	})
	w.wantRows(true)
	for _, r := range consumetest.Receipts[trailtags.Receipt](w.World) {
		if err := r.Balance(); err != nil {
			t.Error(err)
		}
	}
}

// Without faults nothing arrives twice.
func TestDrainsOnce(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 3, MaxPullBytes: 30000}, cloud.Options{}, nil)
	w.trails()
	gen := emulator.NewGenerator(5)
	for range 4 {
		w.Fill(gen, 5, 20)
		w.drain()
	}
	w.wantRows(false)
	w.WantProof(w.function())
}

func TestFollows(t *testing.T) {
	w := newWorld(t, emulator.Options{Shards: 2, MaxPullBytes: 30000}, cloud.Options{}, soon)
	w.trails()
	gen := emulator.NewGenerator(6)
	f := w.follower("follower")
	stop := w.Following(f)
	for range 3 {
		w.Fill(gen, 5, 20)
		time.Sleep(50 * time.Millisecond)
	}
	consumetest.Eventually(t, "all is through", func() bool {
		for _, id := range []int{0, 1} {
			if _, end := w.Store.Range(id); w.Checkpoint(consumetest.Group, id) != end {
				return false
			}
		}
		return true
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	w.wantRows(false)
	w.WantProof(w.function())
}

// What is down and needed is said; so is everything kept in OSS. Tags are not
// needed: events go out without, which TestLookupsThatFail shows. Of the source's
// requests pkg/sls/consume is tried kind by kind in slshec.
func TestOutages(t *testing.T) {
	outagetest.Run(t, map[string]outagetest.Need{
		"source": {Variable: "SLS_ENDPOINT"},
		"target": {Variable: "SLS_TARGET_ENDPOINT"},
		"state":  {Variable: "STATE_URL"},
	}, func(t *testing.T, need string) outagetest.World {
		t.Helper()
		env := map[string]string{"RUN_TIMEOUT": outagetest.RunTimeout.String(), "LEASE_TTL": "3s", "SLS_HEARTBEAT": "100ms", "LOOKUP_BUDGET": "500ms"}
		w := newWorld(t, emulator.Options{Shards: 2}, cloud.Options{}, env)
		w.trails()
		w.Fill(emulator.NewGenerator(1), 10, 10)
		variable, target := "SLS_ENDPOINT", w.SLS.URL()
		switch need {
		case "target":
			variable = "SLS_TARGET_ENDPOINT"
		case "state":
			variable, target = "STATE_URL", outagetest.Store(t)
		}
		front := outagetest.NewFront(t, target)
		if w.Env[variable] = front.URL(); need == "state" {
			w.Env[variable] = outagetest.BucketURL(front.URL(), "state")
			w.State = w.Open(outagetest.BucketURL(target, "state"))
		}
		f, err := trailtags.New(t.Context(), envconfig.MapLookuper(w.Env), w.Runtime())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return outagetest.World{
			Handler: serve.NewHandler(t.Context(), f, w.Runtime()), Trigger: "{}", Front: front,
			Done: func(*testing.T) {
				w.wantRows(true)
				w.WantProof(repeating{w.function()})
			},
		}
	})
}

// The program is killed at any time, with its state in OSS, and goes on.
func TestKillsWithStateInOSS(t *testing.T) {
	bin := proctest.Build(t, "./cmd/trailtags")
	env := maps.Clone(soon)
	maps.Copy(env, map[string]string{"LEASE_TTL": "1s", "STATE_URL": outagetest.BucketURL(outagetest.Store(t), "state")})
	w := newWorld(t, emulator.Options{Shards: 2, MaxPullBytes: 50000}, cloud.Options{Latency: 3 * time.Millisecond}, env)
	w.trails()
	gen, rng := emulator.NewGenerator(1), rand.New(rand.NewPCG(1, 7))
	w.Fill(gen, 60, 20)
	for range 6 {
		p := proctest.Start(t, bin, w.Env)
		for { // until the lease of the run that was killed is over
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+rng.IntN(400))*time.Millisecond)
			_, answer, err := p.Post(ctx, "", nil)
			cancel()
			if err != nil || !strings.Contains(string(answer), `"status":"busy"`) {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		p.Kill()
		w.Fill(gen, 5, 20)
	}
	gone := w.write("DeleteInstance", member, instance, "i-001")
	w.cloud.AddAccount(member).Delete(cloud.Resource{Region: "cn-hangzhou", Type: instance, ID: "i-001"})
	w.put(0, gone)
	consumetest.Eventually(t, "a run ends", func() bool {
		p := proctest.Start(t, bin, w.Env)
		defer p.Kill()
		status, answer, err := p.Post(t.Context(), "{}", nil)
		return err == nil && status == http.StatusOK && strings.Contains(string(answer), `"status":"ok"`)
	})
	w.wantRows(true)
	w.WantCheckpoints(consumetest.Group)
	w.WantProof(repeating{w.function()})
	want(t, w.byID()[gone["eventId"].(string)+"/1"], map[string]string{"tagStatus": "stale", "tag_project": "p1"})
}
