package consume

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/lease"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Sink carries the pages of one run to where they are durable.
type Sink interface {
	// Take takes a page: those of one shard one at a time, in order, those of
	// different shards at once. It returns what became of the logs that it is
	// through with. Whatever of the page is then still under way it has said to
	// hold, see [Page.Hold], and settles later; once all of it is, a checkpoint
	// may pass the page. It blocks while it has enough, and the next page comes
	// only when it returns.
	//
	// With an error the run fails, but with [sls.ErrLeft] the page, none of which
	// was sent, is left for another run.
	//
	// ctx is [Page.Context].
	Take(ctx context.Context, p *Page) (Counts, error)
	// Close returns when every page is settled. No page is taken any more.
	Close()
}

// Function is what a consumer works for.
type Function struct {
	// Name of the function: its receipts, its lease and what it has in quarantine
	// lie below it.
	Name string
	// Begin begins to take pages, for one run. Nothing may be sent once ctx has
	// ended, with the reason as its cause; timing tells what may be begun before.
	Begin func(ctx context.Context, timing *Timing) Sink
	// Receipt makes the function's receipt of what any consumer has to say, with
	// keys of the function's own; nil adds none. It is called each time a receipt
	// is kept, while the sink is at work. The sink is nil in a run that has
	// begun none.
	Receipt func(Receipt, Sink) receipt.Receipt
	// Stats are those of the function's own clients, since they were made.
	Stats func() Stats
	// Save, if set, makes durable what the function has learned from the logs it is
	// through with. It is called before they are checked off: after a kill nothing
	// else can be learned from them again.
	Save func(ctx context.Context) error
	// Verify, if set, looks for the logs of verified shards where the sink has
	// brought them: those from From up to To. It adds what it finds to the shards'
	// findings.
	Verify func(ctx context.Context, shards []Verified) error
	// MaxPage is how many bytes of logs a page holds at most, MaxPending how many
	// pages of one shard may be under way.
	MaxPage, MaxPending int
	// PullMemory bounds the bytes of pulls of all shards; default 24 MiB.
	PullMemory int64
	// Grace is how long a stop should wait for what is under way, if that is more
	// than the time that follows SIGTERM.
	Grace time.Duration
}

// Stats count what clients do.
type Stats struct {
	Retries         int64
	PossibleRepeats int64 // records that may be there twice
}

// Consumer consumes a logstore for a function. Runs may overlap, in one process
// or in many.
type Consumer struct {
	fn         Function
	cfg        Config
	rt         serve.Runtime
	sls        *sls.Client
	state      *bucket.Bucket
	held       *bucket.Bucket // what quarantine lies in
	quarantine *quarantine.Store
	topics     map[string]bool // nil keeps all
	retries    atomic.Int64    // of calls to SLS

	took      atomic.Int64 // how long the last send of a run took, in ns
	follower  string       // the name it follows under
	following following
}

// New puts a consumer together. cfg has to be valid; what cannot be opened is
// the opener's to tell, and to close. again bounds the retries of the client,
// where it is not zero.
func New(open *serve.Opener, cfg Config, again retry.Policy, rt serve.Runtime, fn Function) *Consumer {
	c := &Consumer{fn: fn, cfg: cfg, rt: rt, topics: cfg.topics(), follower: cfg.followConsumer(fn.Name)}
	keys := cfg.Provider()
	c.state = open.State("STATE_URL", cfg.StateURL, bucket.WithOSS(keys))
	c.held = open.State("QUARANTINE_URL", cfg.QuarantineURL, bucket.WithOSS(keys))
	c.quarantine = quarantine.New(c.held, fn.Name)
	var err error
	c.sls, err = c.open(keys, again)
	open.Add("SLS_ENDPOINT", err, func() error { c.sls.Close(); return nil })
	if cfg.filtered() {
		rt.Log.Warn("SLS_QUERY or SLS_PROCESSOR is set: the service gives no cursor to the log groups that a filter leaves, so the sls_id of a log that is delivered again may differ")
	}
	return c
}

// pullMemory bounds the pulls of all shards, unless the function says otherwise.
// It is what leaves an instance of 128 MiB room for what a sink holds and the garbage collector.
const pullMemory = 24 << 20

// Fenced gives credentials to the holder of the lease that a context bears, if it
// bears one. Every request is signed right before it is made, so this is where a
// run that has lost its lease is stopped, whatever it was about to do.
func Fenced(creds alibaba.Provider) alibaba.Provider {
	return alibaba.ProviderFunc(func(ctx context.Context) (alibaba.Credentials, error) {
		if err := lease.Check(ctx); err != nil {
			return alibaba.Credentials{}, err
		}
		return creds.Credentials(ctx)
	})
}

func (c *Consumer) open(creds alibaba.Provider, again retry.Policy) (*sls.Client, error) {
	if again.Attempts == 0 {
		again = retry.Policy{Attempts: 8, Base: 200 * time.Millisecond, Max: 10 * time.Second}
	}
	again.Notify = func(_ int, wait time.Duration, err error) {
		c.retries.Add(1)
		c.rt.Log.Warn("trying again", "wait", wait.String(), "error", err.Error())
	}
	return sls.New(c.cfg.Endpoint, c.cfg.Project, c.cfg.Logstore, Fenced(creds), sls.Options{
		Region: c.cfg.Region, Insecure: c.cfg.SLSInsecure, Memory: cmp.Or(c.fn.PullMemory, pullMemory), Retry: again,
	})
}

// Quarantine is where the function's refused records lie.
func (c *Consumer) Quarantine() *quarantine.Store { return c.quarantine }

// Keeps tells whether logs of a topic are carried.
func (c *Consumer) Keeps(topic []byte) bool { return c.topics == nil || c.topics[string(topic)] }

// Source is the client of the logstore that is consumed.
func (c *Consumer) Source() *sls.Client { return c.sls }

// State is the bucket of STATE_URL.
func (c *Consumer) State() *bucket.Bucket { return c.state }

// Run works on a trigger, see [serve.Function]: a tick drains, an SLS trigger
// has its range forwarded.
func (c *Consumer) Run(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
	switch {
	case ev.Kind == trigger.Logs:
		return c.forward(ctx, *ev.Range)
	case !ev.IsTick():
		return nil, refuse(ev, "%s takes a tick (an empty body, {} or a Pub/Sub message holding {}) or an SLS trigger, not a %s event", c.fn.Name, ev.Kind)
	case c.cfg.Mode == follow:
		return c.already(), nil
	}
	return c.drain(ctx)
}

func refuse(ev trigger.Event, format string, args ...any) error {
	return retry.Permanent(&trigger.Error{Envelope: ev.Path, Reason: fmt.Sprintf(format, args...), Status: 400})
}

func (c *Consumer) begin(mode string) *Receipt {
	return &Receipt{Core: receipt.Start(c.fn.Name), Mode: mode, Group: c.cfg.Group, Stretches: []Stretch{}}
}

// stats tell what a run did, by what they were when it began. Runs at the same
// time count each other's.
func (c *Consumer) stats() Stats {
	s := Stats{}
	if c.fn.Stats != nil {
		s = c.fn.Stats()
	}
	s.Retries += c.retries.Load()
	return s
}

func (c *Consumer) measured(r *Receipt, since Stats) {
	now := c.stats()
	r.Retries = now.Retries - since.Retries
	r.PossibleRepeats = now.PossibleRepeats - since.PossibleRepeats
}

// save has the function save what it has learned.
func (c *Consumer) save(ctx context.Context) error {
	if c.fn.Save == nil {
		return nil
	}
	return c.fn.Save(ctx)
}

// full makes the function's receipt of r.
func (c *Consumer) full(r Receipt, s Sink) receipt.Receipt {
	if c.fn.Receipt == nil {
		return &r
	}
	return c.fn.Receipt(r, s)
}

// finish closes a receipt and keeps it. r itself stays as it is.
func (c *Consumer) finish(run *outcome.Run, r *Receipt, s Sink, err error) (receipt.Receipt, error) {
	full := c.full(*r, s)
	return full, run.End(c.state, full, r.In > 0, err)
}
