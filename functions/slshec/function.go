package slshec

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/lease"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Function forwards logs. Runs may overlap, in one process or in many.
type Function struct {
	cfg        Config
	rt         serve.Runtime
	sls        *sls.Client
	hec        *hec.Client
	state      *bucket.Bucket
	held       *bucket.Bucket // what quarantine lies in
	quarantine *quarantine.Store
	topics     map[string]bool // nil keeps all
	retries    *atomic.Int64   // of calls to SLS
	close      func() error

	took      atomic.Int64 // how long the last send of a run took, in ns
	follower  string       // the name it follows under
	following following
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
// retries of both clients, where it is not zero.
func Build(ctx context.Context, cfg Config, again retry.Policy, rt serve.Runtime) (*Function, error) {
	f := &Function{cfg: cfg, rt: rt, retries: new(atomic.Int64), follower: cfg.followConsumer()}
	if len(cfg.Topics) > 0 {
		f.topics = map[string]bool{}
		for _, t := range cfg.Topics {
			f.topics[strings.TrimSpace(t)] = true
		}
	}
	open := serve.NewOpener(ctx)
	keys := cfg.Provider()
	f.state = open.Bucket("STATE_URL", cfg.StateURL, bucket.WithOSS(keys))
	f.held = open.Bucket("QUARANTINE_URL", cfg.QuarantineURL, bucket.WithOSS(keys))
	var err error
	f.sls, err = f.openSLS(keys, again)
	open.Add("SLS_ENDPOINT", err, func() error { f.sls.Close(); return nil })
	f.hec, err = f.openHEC(again)
	open.Add("HEC_URL", err, f.closeHEC)
	if err := open.Err(); err != nil {
		return nil, err
	}
	f.close = open.Close
	f.quarantine = quarantine.New(f.held, "slshec")
	if cfg.Query != "" || cfg.Processor != "" {
		rt.Log.Warn("SLS_QUERY or SLS_PROCESSOR is set: the service gives no cursor to the log groups that a filter leaves, so the sls_id of a log that is delivered again may differ")
	}
	return f, nil
}

// pullMemory bounds the pulls of all shards. It is what leaves an instance of
// 128 MiB room for HEC batches and the garbage collector.
const pullMemory = 24 << 20

func (f *Function) openSLS(creds alibaba.Provider, again retry.Policy) (*sls.Client, error) {
	// Every request is signed right before it is made, so this is where a run
	// that has lost its lease is stopped, whatever it was about to do.
	fenced := alibaba.ProviderFunc(func(ctx context.Context) (alibaba.Credentials, error) {
		if err := lease.Check(ctx); err != nil {
			return alibaba.Credentials{}, err
		}
		return creds.Credentials(ctx)
	})
	if again.Attempts == 0 {
		again = retry.Policy{Attempts: 8, Base: 200 * time.Millisecond, Max: 10 * time.Second}
	}
	again.Notify = func(_ int, wait time.Duration, err error) {
		f.retries.Add(1)
		f.rt.Log.Warn("trying again", "wait", wait.String(), "error", err.Error())
	}
	return sls.New(f.cfg.Endpoint, f.cfg.Project, f.cfg.Logstore, fenced, sls.Options{
		Region: f.cfg.Region, Insecure: f.cfg.SLSInsecure, Memory: pullMemory, Retry: again,
	})
}

func (f *Function) openHEC(again retry.Policy) (*hec.Client, error) {
	tls, err := f.cfg.tls()
	if err != nil {
		return nil, err
	}
	again.Notify = func(_ int, wait time.Duration, err error) {
		f.rt.Log.Warn("trying again", "wait", wait.String(), "error", err.Error())
	}
	return hec.New(hec.Options{
		URLs: f.cfg.HECURLs, Token: f.cfg.HECToken.Reveal(), TLS: tls,
		Gzip: f.cfg.Gzip, BatchBytes: f.cfg.BatchBytes, Concurrency: f.cfg.HECConcurrency, Timeout: f.cfg.HECTimeout,
		Ack: f.cfg.Ack, AckPoll: f.cfg.AckPoll, AckTimeout: f.cfg.AckTimeout, Retry: again,
	})
}

func (f *Function) closeHEC() error {
	ctx, cancel := context.WithTimeout(context.Background(), saveTime)
	defer cancel()
	return f.hec.Close(ctx)
}

// Close implements [serve.Function].
func (f *Function) Close() error { return f.close() }

// saveTime is how long the last words of a run may take.
const saveTime = 10 * time.Second

// Run implements [serve.Function]: a tick drains, an SLS trigger has its range
// forwarded.
func (f *Function) Run(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
	switch {
	case ev.Kind == trigger.Logs:
		return f.forward(ctx, *ev.Range)
	case !ev.IsTick():
		return nil, refuse(ev, "slshec takes a tick (an empty body, {} or a Pub/Sub message holding {}) or an SLS trigger, not a %s event", ev.Kind)
	case f.cfg.Mode == follow:
		return f.already(), nil
	}
	return f.drain(ctx)
}

func refuse(ev trigger.Event, format string, args ...any) error {
	return retry.Permanent(&trigger.Error{Envelope: ev.Path, Reason: fmt.Sprintf(format, args...), Status: 400})
}

func (f *Function) begin(mode string) *Receipt {
	return &Receipt{Core: receipt.Start("slshec"), Mode: mode, Group: f.cfg.Group, Stretches: []Stretch{}}
}

// meter reads what the clients have done, to tell what a run did. Runs at the
// same time count each other's.
type meter struct {
	hec hec.Stats
	sls int64
}

func (f *Function) meter() meter { return meter{f.hec.Stats(), f.retries.Load()} }

func (f *Function) measured(r *Receipt, since meter) {
	now := f.meter()
	r.Retries = now.hec.Retries - since.hec.Retries + now.sls - since.sls
	r.PossibleRepeats = now.hec.PossibleRepeats - since.hec.PossibleRepeats
}

// finish closes a receipt and keeps it.
func (f *Function) finish(run *outcome.Run, r *Receipt, err error) (*Receipt, error) {
	return r, run.End(f.state, r, r.In > 0, err)
}
