package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Function exports audit logs. Runs may overlap, in one process or in many.
type Function struct {
	cfg    Config
	rt     serve.Runtime
	api    *anypoint.Client
	state  *bucket.Bucket
	output *bucket.Bucket
	// held is what quarantine lies in.
	held       *bucket.Bucket
	quarantine *quarantine.Store
	// OnSlice, if set, hears of every finished look; calls may overlap.
	OnSlice func(Progress)
}

// Progress is one finished look, and how many this run has in all.
type Progress struct {
	Org         string
	Slice       time.Time
	Events      int64
	Done, Total int
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
	open := serve.NewOpener(ctx)
	keys := bucket.WithOSS(cfg.Provider())
	state := open.Bucket("STATE_URL", cfg.StateURL, keys)
	output := open.Bucket("OUTPUT_URL", cfg.OutputURL, keys)
	held := open.Bucket("QUARANTINE_URL", cfg.QuarantineURL, keys)
	if err := open.Err(); err != nil {
		return nil, err
	}
	api := anypoint.New(anypoint.Options{
		BaseURL:       cfg.BaseURL,
		ClientID:      cfg.ClientID,
		ClientSecret:  cfg.ClientSecret.Reveal(),
		RatePerMinute: cfg.RatePerMin,
		PageSize:      cfg.PageSize,

		MaxRecordBytes: cfg.MaxRecordBytes,
		Notify: func(wait time.Duration, err error) {
			rt.Log.Warn("trying again", "wait", wait.String(), "error", err.Error())
		},
	})
	return Build(cfg, api, state, output, held, rt), nil
}

// Build puts a function together from its parts, which it then owns. cfg has
// to be valid; held is the bucket of QUARANTINE_URL.
func Build(cfg Config, api *anypoint.Client, state, output, held *bucket.Bucket, rt serve.Runtime) *Function {
	return &Function{
		cfg: cfg, api: api, state: state, output: output, rt: rt,
		held: held, quarantine: quarantine.New(held, "muleaudit"),
	}
}

// Close implements [serve.Function].
func (f *Function) Close() error {
	f.api.CloseIdle()
	return errors.Join(f.state.Close(), f.output.Close(), f.held.Close())
}

// Run implements [serve.Function]: it exports what is due, or what the message
// of a backfill names.
func (f *Function) Run(ctx context.Context, ev trigger.Event) (receipt.Receipt, error) {
	asked, err := readRequest(ev, time.Now())
	if err != nil {
		return nil, err
	}
	r := &Receipt{Core: receipt.Start("muleaudit"), Orgs: []OrgReceipt{}}
	r.Redeliver = true // only a 200 means that all this trigger asked for is out

	run := outcome.Begin(ctx, f.cfg.RunTimeout, 0)
	defer run.Cancel()
	f.api.Resume()
	err = f.export(run.Context(), asked, r)
	var refused *trigger.Error
	if errors.As(err, &refused) {
		return nil, err
	}
	return r, run.End(f.state, r, r.total(), err)
}

// export plans the spans of all organisations, works through their looks side
// by side, and settles each organisation for itself.
func (f *Function) export(ctx context.Context, asked request, r *Receipt) error {
	orgs, err := f.organisations(ctx, asked)
	if len(orgs) == 0 {
		return err
	}
	if err := f.refuseForgotten(ctx, asked, orgs); err != nil {
		return err
	}
	errs := []error{err}
	jobs := f.plan(ctx, r.Run, asked, orgs)
	f.work(ctx, r.Run, jobs)

	for _, j := range jobs {
		r.Orgs = append(r.Orgs, f.settle(ctx, r.Run, j))
		r.BytesIn += j.bytesIn
		r.Retries += j.retries
		if j.scheduled && !j.reached.IsZero() {
			r.Lag(j.org, time.Since(j.reached))
		}
		errs = append(errs, j.err, j.late)
	}
	return errors.Join(errs...)
}

// organisations lists whose logs to export: those configured, with the
// business groups below them if asked for, or the ones of a backfill. An error
// beside a list means that some groups could not be found out; the rest need
// not wait for that.
func (f *Function) organisations(ctx context.Context, asked request) ([]string, error) {
	orgs := slices.Clone(f.cfg.Orgs)
	var errs []error
	if f.cfg.IncludeSubOrgs {
		for _, org := range f.cfg.Orgs {
			below, err := f.api.Hierarchy(ctx, org)
			if err != nil {
				errs = append(errs, fmt.Errorf("business groups below %s: %w", org, err))
			}
			for _, id := range below {
				if !validOrg(id) {
					errs = append(errs, fmt.Errorf("business groups below %s: %q is not an organisation id", org, id))
				} else if !slices.Contains(orgs, id) {
					orgs = append(orgs, id)
				}
			}
		}
	}
	err := errors.Join(errs...)
	if len(asked.Orgs) == 0 {
		return orgs, err
	}
	for _, org := range asked.Orgs {
		if !slices.Contains(orgs, org) {
			if err != nil {
				return nil, err // it may be one of those
			}
			return nil, refuse("message: organisation %q is not configured: add it to MULE_ORG_ID", org)
		}
	}
	asked.Orgs = slices.Clone(asked.Orgs)
	slices.Sort(asked.Orgs)
	return slices.Compact(asked.Orgs), nil
}
