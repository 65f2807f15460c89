package gunzipcsv

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/objcsv"
	"github.com/siemfeed/siemfeed/pkg/overlap"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Function converts objects. Runs may overlap, in one process or in many.
type Function struct {
	cfg    Config
	rt     serve.Runtime
	parts  Parts
	prefix string // of the source's keys, as notices give them
	csv    *objcsv.Converter
	// buffers of the targets being written
	buffers overlap.Buffers
	reject  *quarantine.Store
	turns   turns // of the targets
	recall  recall
}

// Parts are what a function works with.
type Parts struct {
	Source, Dest, State, Quarantine *bucket.Bucket
	Queue                           *cfqueue.Client // nil without a queue
	Dead                            *cfqueue.Client // has its dead letters; nil where nobody asks for them
}

var _ serve.New = New // the shape Main starts

// New builds the function from its configuration.
func New(ctx context.Context, env envconfig.Lookuper, rt serve.Runtime) (serve.Function, error) {
	return serve.Built(Open(ctx, env, rt))
}

// Open is [New] for those who also want to backfill, verify, replay or diagnose.
func Open(ctx context.Context, env envconfig.Lookuper, rt serve.Runtime) (*Function, error) {
	var cfg Config
	if err := config.Load(ctx, env, &cfg); err != nil {
		return nil, err
	}
	collectEarly()
	open := serve.NewOpener(ctx)
	keys := []bucket.Option{cfg.Keys(), bucket.WithOSS(cfg.Alibaba.Provider())}
	p := Parts{
		Source:     open.Source("SOURCE_URL", cfg.SourceURL, keys...),
		Dest:       open.Bucket("DEST_URL", cfg.DestURL, keys...),
		State:      open.State("STATE_URL", cfg.StateURL, keys...),
		Quarantine: open.State("QUARANTINE_URL", cfg.QuarantineURL, keys...),
	}
	for _, q := range []struct {
		variable, id string
		client       **cfqueue.Client
	}{{"CF_QUEUE_ID", cfg.CFQueueID, &p.Queue}, {"CF_DEAD_QUEUE_ID", cfg.CFDead, &p.Dead}} {
		if q.id == "" {
			continue
		}
		var err error
		*q.client, err = cfqueue.New(cfg.CFAccountID, q.id, cfg.CFToken.Reveal(), cfqueue.Options{BaseURL: cfg.CFBaseURL, HTTPClient: &http.Client{}, Variable: q.variable})
		open.Add("CF_API_BASE_URL", err, nil)
	}
	if err := open.Err(); err != nil {
		return nil, err
	}
	return Build(cfg, p, rt)
}

// Build puts a function together from its parts, which it then owns. cfg has
// to be valid.
func Build(cfg Config, p Parts, rt serve.Runtime) (*Function, error) {
	csv, err := objcsv.New(cfg.csv())
	if err != nil {
		return nil, err
	}
	source, err := bucket.Parse(cfg.SourceURL)
	if err != nil {
		return nil, err
	}
	return &Function{
		cfg: cfg, rt: rt, parts: p, prefix: source.Prefix,
		csv: csv, reject: quarantine.New(p.Quarantine, "gunzipcsv"),
		recall: recall{state: p.State},
	}, nil
}

// Close implements [serve.Function].
func (f *Function) Close() error {
	p := f.parts
	return errors.Join(p.Source.Close(), p.Dest.Close(), p.State.Close(), p.Quarantine.Close())
}

// Run implements [serve.Function]: it drains the queue, or converts the
// objects that ev tells of.
func (f *Function) Run(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
	r := f.newRun(ctx, f.cfg.RunTimeout)
	defer r.Cancel()
	err := format.Check(r.Context(), f.parts.State, "gunzipcsv")
	switch {
	case err != nil:
	case ev.IsTick() && f.parts.Queue == nil:
		err = config.Faults{{Var: "CF_QUEUE_ID", Problem: "required, with CF_ACCOUNT_ID and CF_API_TOKEN: a tick pulls notices from a queue, and none is configured"}}
	case ev.IsTick():
		err = f.drain(r.Context(), r)
	case ev.Kind == trigger.Objects:
		err = f.deliver(r.Context(), r, ev)
	default:
		return nil, refuse("gunzipcsv is woken by an empty body or notices about objects, not by %s", ev.Kind)
	}
	return f.finish(r, err)
}

func refuse(format string, args ...any) error {
	return retry.Permanent(&trigger.Error{Envelope: "gunzipcsv", Reason: fmt.Sprintf(format, args...), Status: http.StatusBadRequest})
}

// finish closes a run's receipt and keeps it.
func (f *Function) finish(r *run, err error) (*Receipt, error) {
	return r.r, r.End(f.parts.State, r.r, r.r.In > 0, err)
}
