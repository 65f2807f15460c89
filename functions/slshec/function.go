package slshec

import (
	"context"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// name is the function's, in its receipts and in buckets.
const name = "slshec"

// Function forwards logs. Runs may overlap, in one process or in many.
type Function struct {
	*consume.Consumer
	cfg   Config
	rt    serve.Runtime
	hec   *hec.Client
	close func() error
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
	f := &Function{cfg: cfg, rt: rt}
	open := serve.NewOpener(ctx)
	f.Consumer = consume.New(open, cfg.Config, again, rt, consume.Function{
		Name: name, Begin: f.begin, Receipt: complete, Stats: f.stats,
		MaxPage: cfg.BatchBytes / perBatch, MaxPending: maxPending, Grace: cfg.grace(),
	})
	var err error
	f.hec, err = f.openHEC(again)
	open.Add("HEC_URL", err, f.closeHEC)
	if err := open.Err(); err != nil {
		return nil, err
	}
	f.close = open.Close
	return f, nil
}

// A page is as large as that perBatch of them fill a request, so that what one
// run leaves is small; maxPending of a shard may be under way.
const (
	perBatch   = 8
	maxPending = 8 * perBatch
)

// grace is how long acknowledgements may take to come.
func (c *Config) grace() time.Duration {
	if c.Ack {
		return 3 * c.AckPoll
	}
	return 0
}

func (f *Function) stats() consume.Stats {
	s := f.hec.Stats()
	return consume.Stats{Retries: s.Retries, PossibleRepeats: s.PossibleRepeats}
}

func (f *Function) openHEC(again retry.Policy) (*hec.Client, error) {
	tls, err := f.cfg.tls()
	if err != nil {
		return nil, err
	}
	if again.Attempts == 0 {
		// For about as long as the client would by itself, but no longer apart
		// than heartbeats are: that is how soon events go on after an outage.
		again.Max = max(time.Second, f.cfg.Heartbeat)
		again.Attempts = min(30, 5+int(2*time.Minute/again.Max))
	}
	again.Notify = func(_ int, wait time.Duration, err error) {
		f.rt.Log.Warn("trying again", "wait", wait.String(), "error", err.Error())
	}
	_, fixed := f.cfg.index()
	return hec.New(hec.Options{
		URLs: f.cfg.HECURLs, Token: f.cfg.HECToken.Reveal(), TLS: tls,
		IndexOfEvent: !fixed, Gzip: f.cfg.Gzip, BatchBytes: f.cfg.BatchBytes, Concurrency: f.cfg.HECConcurrency, Timeout: f.cfg.HECTimeout,
		Ack: f.cfg.Ack, AckPoll: f.cfg.AckPoll, AckTimeout: f.cfg.AckTimeout, Retry: again,
	})
}

// closeTime is how long what was not asked for before may take when the function
// is closed: acknowledgements.
const closeTime = 10 * time.Second

func (f *Function) closeHEC() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return f.hec.Close(ctx)
}

// Close implements [serve.Function].
func (f *Function) Close() error { return f.close() }

var (
	_ serve.Function   = (*Function)(nil)
	_ serve.Readier    = (*Function)(nil)
	_ serve.Background = (*Function)(nil)
	_ serve.Verifier   = (*Function)(nil)
)
