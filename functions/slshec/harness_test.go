package slshec_test

import (
	"bytes"
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/slshec"
	"github.com/siemfeed/siemfeed/pkg/config"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

const (
	secret = consumetest.Secret
	token  = "00000000-0000-0000-0000-00000000beef"
	group  = consumetest.Group
)

// world is a logstore and a stand-in for Splunk. A log is durable there when it
// was accepted, with acknowledgement: acknowledged.
type world struct {
	*consumetest.World
	hec *splunk.Server

	mu     sync.Mutex
	events map[string]splunk.Event // by id, as accepted last
	refuse func(splunk.Event) int
	heard  []splunk.Event // in order, of each event its host and shard
}

func newWorld(t testing.TB, o emulator.Options, h splunk.Options, env map[string]string) *world {
	t.Helper()
	all := map[string]string{"HEC_TOKEN": token, "HEC_BATCH_BYTES": "65536", "HEC_ACK_POLL": "10ms"}
	maps.Copy(all, env)
	w := &world{World: consumetest.New(t, "slshec", o, all), events: map[string]splunk.Event{}}
	if h.Tokens == nil {
		h.Tokens = []splunk.Token{{Value: token, UseACK: env["HEC_ACK"] == "true"}}
	}
	h.OnAccept = w.accept
	w.refuse, h.Refuse = h.Refuse, w.refused
	w.hec = splunk.New(h).Start()
	t.Cleanup(w.hec.Close)
	w.Env["HEC_URL"] = w.hec.URL()
	w.Durable = func(id string, _ *sdk.Log) bool {
		return w.hec.Accepted(id) > 0 && (w.Env["HEC_ACK"] != "true" || w.hec.Acked(id))
	}
	return w
}

func (w *world) accept(events []splunk.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		e.Raw, e.Event = bytes.Clone(e.Raw), bytes.Clone(e.Event)
		w.events[e.ID] = e
		w.heard = append(w.heard, splunk.Event{Host: e.Host, ID: e.ID[:strings.IndexByte(e.ID, ':')]})
	}
}

func (w *world) refused(e splunk.Event) int {
	if w.refuse == nil {
		return 0
	}
	return w.refuse(e)
}

func (w *world) wantProof() {
	w.T.Helper()
	w.WantProof(w.function())
}

// config reads the world's environment.
func (w *world) config() slshec.Config {
	w.T.Helper()
	var cfg slshec.Config
	if err := config.Load(context.Background(), envconfig.MapLookuper(w.Env), &cfg); err != nil {
		w.T.Fatal(err)
	}
	return cfg
}

// function builds the function as [slshec.Open] does, but for clients that do
// not wait long before they try again.
func (w *world) function() *slshec.Function {
	w.T.Helper()
	return w.build(w.config())
}

func (w *world) build(cfg slshec.Config) *slshec.Function {
	w.T.Helper()
	f, err := slshec.Build(context.Background(), cfg, retry.Policy{Attempts: 12, Base: time.Millisecond, Max: 20 * time.Millisecond}, w.Runtime())
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() {
		if err := f.Close(); err != nil {
			w.T.Error(err)
		}
	})
	return f
}

// slow builds the function with the retries of a real one.
func (w *world) slow() *slshec.Function {
	w.T.Helper()
	f, err := slshec.Build(context.Background(), w.config(), retry.Policy{}, w.Runtime())
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() { _ = f.Close() })
	return f
}

func (w *world) run(f *slshec.Function) (*slshec.Receipt, error) {
	return w.runEvent(f, trigger.Event{Kind: trigger.Tick})
}

func (w *world) runEvent(f *slshec.Function, ev trigger.Event) (*slshec.Receipt, error) {
	w.T.Helper()
	r, err := w.RunOn(f, ev)
	if r == nil {
		return nil, err
	}
	return r.(*slshec.Receipt), err //nolint:forcetypeassert // it has no other
}

// mustRun runs and wants all done.
func (w *world) mustRun(f *slshec.Function) *slshec.Receipt {
	w.T.Helper()
	r, err := w.run(f)
	if err != nil || r.Status != receipt.OK {
		w.T.Fatalf("run: %v, receipt %+v", err, r)
	}
	return r
}

// wantAll checks that each log is in Splunk, or in quarantine if that is where
// it belongs; and unless repeats are allowed, once.
func (w *world) wantAll(repeats bool) {
	w.T.Helper()
	w.WantAll(w.hec.Counts(), w.belongsInQuarantine, repeats)
}

func (w *world) belongsInQuarantine(id string) bool {
	return w.refuse != nil && w.refuse(splunk.Event{ID: id}) != 0
}

func (w *world) receipts() []slshec.Receipt {
	w.T.Helper()
	return consumetest.Receipts[slshec.Receipt](w.World)
}

func (w *world) wantNoSecret(texts ...string) {
	w.T.Helper()
	w.WantNoSecret([]string{token}, texts...)
}

// follower builds a function that follows under a name of its own.
func (w *world) follower(name string) *slshec.Function {
	w.T.Helper()
	cfg := w.config()
	cfg.Mode, cfg.Consumer = "follow", name
	return w.build(cfg)
}
