package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"

	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// followers is what two processes that follow do, as the service and the
// collector see it. A process is known by the host of its events.
type followers struct {
	*consumetest.World
	hec *splunk.Server

	mu    sync.Mutex
	name  []string       // consumer, by process
	beats map[string]int // heartbeats, by consumer
	since map[string]int // those before count
	heard map[string]int // its heartbeats after count and before its first event, by process
}

// ServeHTTP is the service, with an ear at its door.
func (f *followers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if q := r.URL.Query(); q.Get("type") == "heartbeat" {
		f.mu.Lock()
		f.beats[q.Get("consumer")]++
		f.mu.Unlock()
	}
	f.SLS.ServeHTTP(w, r)
}

// accept hears of events.
func (f *followers) accept(events []splunk.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		if _, known := f.heard[e.Host]; !known {
			name := f.name[hostNumber(e.Host)]
			f.heard[e.Host] = f.beats[name] - f.since[name]
		}
	}
}

func host(process int) string { return fmt.Sprint("process-", process) }

func hostNumber(host string) int { return int(host[len(host)-1] - '0') }

// joined tells whether the n-th process holds shards, beside those before it, and
// learns its name.
func (f *followers) joined(n int) bool {
	names := map[string]bool{}
	for _, name := range f.Store.Owners(consumetest.Group) {
		names[name] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range f.name {
		delete(names, name)
	}
	for name := range names {
		f.name = append(f.name, name)
	}
	return len(f.name) > n
}

// count begins to count heartbeats.
func (f *followers) count() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.since, f.heard = maps.Clone(f.beats), map[string]int{}
}

// wait waits for n heartbeats of each.
func (f *followers) wait(t *testing.T, n int) {
	t.Helper()
	f.count()
	consumetest.Eventually(t, "heartbeats", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return !slices.ContainsFunc(f.name, func(name string) bool { return f.beats[name]-f.since[name] < n })
	})
}

// deliver waits until both have delivered, and all is, and returns how many
// heartbeats each process had sent before its first event.
func (f *followers) deliver(t *testing.T, gen *emulator.Generator) map[string]int {
	t.Helper()
	f.Fill(gen, 5, 10)
	consumetest.Eventually(t, "all is delivered", func() bool { return len(f.hec.Counts()) == len(f.Logs()) })
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.heard) != 2 {
		t.Errorf("delivered by %v, both hold shards", f.heard)
	}
	return f.heard
}

// Two followers, each started by "siemfeed run slshec --follow" and nothing said
// of names or modes, share the shards. After the collector was down for a while
// both deliver again within two of their heartbeats, each its own shards.
func TestTwoFollowersAfterAnOutage(t *testing.T) {
	t.Parallel()
	bin := proctest.Build(t, ".")
	f := &followers{beats: map[string]int{}, heard: map[string]int{}}
	f.hec = splunk.New(splunk.Options{Tokens: []splunk.Token{{Value: "t0ken-of-hec"}}, OnAccept: f.accept}).Start()
	t.Cleanup(f.hec.Close)
	f.World = consumetest.New(t, "slshec", emulator.Options{Shards: 4}, map[string]string{
		"HEC_URL": f.hec.URL(), "HEC_TOKEN": "t0ken-of-hec", "SLS_HEARTBEAT": "1s", "SLS_GROUP_TIMEOUT": "20s",
	})
	f.Durable = func(id string, _ *sdk.Log) bool { return f.hec.Accepted(id) > 0 }
	service := httptest.NewServer(f)
	t.Cleanup(service.Close)
	f.Env["SLS_ENDPOINT"] = service.URL
	gen := emulator.NewGenerator(1)

	var procs []*proctest.Process
	for n := range 2 {
		// Which consumer it is shows when it joins; its events bear that name.
		env := maps.Clone(f.Env)
		env["HEC_HOST"] = host(n)
		procs = append(procs, proctest.Launch(t, bin, env, "run", "slshec", "--follow"))
		consumetest.Eventually(t, "it holds shards", func() bool { return f.joined(n) })
	}
	f.deliver(t, gen)

	// Long enough for whoever doubles the wait between attempts to be late.
	f.hec.Set(func(o *splunk.Options) { o.Busy = true })
	f.Fill(gen, 5, 10)
	f.wait(t, 10)
	f.count()
	f.hec.Set(func(o *splunk.Options) { o.Busy = false })
	for process, beats := range f.deliver(t, gen) {
		if beats > 2 {
			t.Errorf("%s delivered after %d of its heartbeats", process, beats)
		}
	}
	for _, p := range procs {
		if err := p.Stop(syscall.SIGTERM, 30*time.Second); err != nil {
			t.Error(err)
		}
		f.WantNoSecret([]string{"t0ken-of-hec"}, p.Output())
	}
	counts := f.hec.Counts()
	f.WantAll(counts, func(string) bool { return false }, false)
	f.WantCheckpoints(consumetest.Group)
}
