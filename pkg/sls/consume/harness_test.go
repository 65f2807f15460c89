package consume_test

import (
	"context"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-log-go-sdk"
	"github.com/sethvargo/go-envconfig"
	"go.uber.org/goleak"

	"github.com/siemfeed/siemfeed/pkg/config"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

const (
	name  = "memory"
	group = consumetest.Group
)

// quick has a group wait milliseconds, not seconds.
var quick = map[string]string{"SLS_HEARTBEAT": "50ms", "SLS_GROUP_TIMEOUT": "2s"}

// world is a logstore whose logs go to memory.
type world struct {
	*consumetest.World
	mem *memory
}

func newWorld(t testing.TB, o emulator.Options, env map[string]string) *world {
	t.Helper()
	w := &world{World: consumetest.New(t, name, o, env), mem: &memory{counts: map[string]int{}}}
	w.Durable = func(id string, _ *sdk.Log) bool { return w.mem.accepted(id) > 0 }
	return w
}

// settings are a function's configuration that has nothing of its own.
type settings struct{ consume.Config }

// Validate implements [config.Validator].
func (s *settings) Validate() config.Faults { return s.ValidateSource(name) }

func load(env map[string]string) (consume.Config, error) {
	var s settings
	err := config.Load(context.Background(), envconfig.MapLookuper(env), &s)
	return s.Config, err
}

// consumer builds a consumer whose client does not wait long before it tries
// again.
func (w *world) consumer(changes ...func(*consume.Config)) *consume.Consumer {
	w.T.Helper()
	return w.build(retry.Policy{Attempts: 12, Base: time.Millisecond, Max: 20 * time.Millisecond}, changes...)
}

func (w *world) build(again retry.Policy, changes ...func(*consume.Config)) *consume.Consumer {
	w.T.Helper()
	cfg, err := load(w.Env)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, change := range changes {
		change(&cfg)
	}
	open := serve.NewOpener(context.Background())
	c := consume.New(open, cfg, again, w.Runtime(), consume.Function{
		Name: name, Begin: w.mem.begin, MaxPage: 4096, MaxPending: 64,
	})
	if err := open.Err(); err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() {
		if err := open.Close(); err != nil {
			w.T.Error(err)
		}
	})
	return c
}

// follower builds a consumer that follows under a name of its own.
func (w *world) follower(name string) *consume.Consumer {
	w.T.Helper()
	return w.consumer(func(c *consume.Config) { c.Mode, c.Consumer = "follow", name })
}

func (w *world) run(c *consume.Consumer) (*consume.Receipt, error) {
	w.T.Helper()
	return w.runOn(c, trigger.Event{Kind: trigger.Tick})
}

func (w *world) runOn(c *consume.Consumer, ev trigger.Event) (*consume.Receipt, error) {
	w.T.Helper()
	r, err := w.RunOn(c, ev)
	if r == nil {
		return nil, err
	}
	return r.(*consume.Receipt), err //nolint:forcetypeassert // there is no other
}

// mustRun runs and wants all done.
func (w *world) mustRun(c *consume.Consumer) *consume.Receipt {
	w.T.Helper()
	r, err := w.run(c)
	if err != nil || r.Status != receipt.OK {
		w.T.Fatalf("run: %v, receipt %+v", err, r)
	}
	return r
}

func (w *world) wantAll(repeats bool) {
	w.T.Helper()
	w.WantAll(w.mem.arrived(), w.mem.belongsInQuarantine, repeats)
}

func (w *world) wantProof() {
	w.T.Helper()
	w.WantProof(w.consumer())
}

func (w *world) receipts() []consume.Receipt {
	w.T.Helper()
	return consumetest.Receipts[consume.Receipt](w.World)
}
