package trailtags

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// name is the function's, in its receipts and in buckets.
const name = "trailtags"

// Function adds tags to events. Runs may overlap, in one process or in many.
type Function struct {
	*consume.Consumer
	cfg    Config
	rt     serve.Runtime
	filter filter
	tags   *alitags.Client
	target *sls.Client
	close  func() error

	retries atomic.Int64 // of writes
	repeats atomic.Int64 // rows that may be there twice
}

var _ serve.New = New // the shape Main starts

// New builds the function from its configuration.
func New(ctx context.Context, env envconfig.Lookuper, rt serve.Runtime) (serve.Function, error) {
	return serve.Built(Open(ctx, env, rt))
}

// Open is [New] for those who also want to verify, diagnose or watch.
func Open(ctx context.Context, env envconfig.Lookuper, rt serve.Runtime) (*Function, error) {
	var cfg Config
	if err := config.Load(ctx, env, &cfg); err != nil {
		return nil, err
	}
	return Build(ctx, cfg, retry.Policy{}, rt)
}

// Build puts the function together. cfg has to be valid; again bounds the
// retries of reads and writes, where it is not zero.
func Build(ctx context.Context, cfg Config, again retry.Policy, rt serve.Runtime) (*Function, error) {
	collectEarly(cfg.TagCache)
	f := &Function{cfg: cfg, rt: rt, filter: newFilter(&cfg)}
	open := serve.NewOpener(ctx)
	f.Consumer = consume.New(open, cfg.Config, again, rt, consume.Function{
		Name: name, Begin: f.begin, Receipt: complete, Stats: f.stats, Save: f.save, Verify: f.verifyTarget,
		MaxPage: maxPage, MaxPending: maxPending, PullMemory: pullMemory,
	})
	lookups := cfg.lookups()
	lookups.Kept = f.State()
	var err error
	f.tags, err = alitags.New(lookups)
	open.Add("RESOURCE_AK_ID", err, func() error { return f.tags.Close() })
	f.target, err = f.openTarget(again)
	open.Add("SLS_TARGET_ENDPOINT", err, func() error { f.target.Close(); return nil })
	if err := open.Err(); err != nil {
		return nil, err
	}
	f.close = open.Close
	return f, nil
}

const (
	// maxPage is small, so that what one run leaves is.
	maxPage = 256 << 10
	// maxPending pages of a shard may be under way: those that hold an event that
	// waits for its tags do not keep the others from going out.
	maxPending = 256
	// pullMemory leaves an instance of 128 MiB room for 100,000 resources, which
	// take 40. It is a single pull at its largest.
	pullMemory = 12 << 20
)

// collectEarly keeps garbage from growing beyond what an instance of 128 MiB has
// room for, unless GOGC or GOMEMLIMIT says otherwise: what is remembered of
// resources is in use for good, and as much garbage again would not fit. A larger
// memory of resources needs a larger instance.
func collectEarly(resources int) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(heapLimit + perKnown*max(0, int64(resources)-knownInLimit))
}

const (
	heapLimit    = 84 << 20
	knownInLimit = 100_000 // resources
	perKnown     = 600     // bytes
)

func (f *Function) openTarget(again retry.Policy) (*sls.Client, error) {
	if again.Attempts == 0 {
		again = retry.Policy{Attempts: 8, Base: 200 * time.Millisecond, Max: 10 * time.Second}
	}
	again.Notify = func(_ int, wait time.Duration, err error) {
		f.retries.Add(1)
		f.rt.Log.Warn("trying again", "wait", wait.String(), "error", err.Error())
	}
	endpoint, region := f.cfg.target()
	return sls.New(endpoint, f.cfg.TargetProject, f.cfg.TargetLogstore, consume.Fenced(f.cfg.Provider()), sls.Options{
		Region: region, Insecure: f.cfg.SLSInsecure, Retry: again, Variable: "SLS_TARGET_ENDPOINT",
	})
}

// writer begins to write to the target. Rows say by their source where their events
// are from.
func (f *Function) writer() *sls.Writer {
	return f.target.Writer(name, f.cfg.Project+"/"+f.cfg.Logstore)
}

func (f *Function) stats() consume.Stats {
	return consume.Stats{Retries: f.retries.Load(), PossibleRepeats: f.repeats.Load()}
}

// load reads what is known of resources. What of it cannot be read holds no event
// up.
func (f *Function) load(ctx context.Context) error {
	err := f.tags.Load(ctx)
	for _, what := range f.tags.Unreadable() {
		f.rt.Log.Warn("STATE_URL: known tags", "problem", what)
	}
	return err
}

// save keeps what is known of resources, since a deleted one cannot be asked
// about again.
func (f *Function) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, saveTime, errors.New("STATE_URL: known tags are not kept in time"))
	defer cancel()
	return f.tags.Save(ctx)
}

// saveTime bounds how long checkpoints wait for known tags to be kept.
const saveTime = 10 * time.Second

// Close implements [serve.Function].
func (f *Function) Close() error { return f.close() }

var (
	_ serve.Function   = (*Function)(nil)
	_ serve.Readier    = (*Function)(nil)
	_ serve.Background = (*Function)(nil)
	_ serve.Verifier   = (*Function)(nil)
)
