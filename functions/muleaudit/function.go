package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sethvargo/go-envconfig"
	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
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
	state := open.State("STATE_URL", cfg.StateURL, keys)
	output := open.Bucket("OUTPUT_URL", cfg.OutputURL, keys)
	held := open.State("QUARANTINE_URL", cfg.QuarantineURL, keys)
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
	if err := format.Check(run.Context(), f.state, "muleaudit"); err != nil {
		return r, run.End(f.state, r, false, err)
	}
	f.api.Resume()
	if !asked.backfill() {
		if r.OvertakenBy, err = f.overtaken(run.Context(), ev.Published); r.OvertakenBy != "" {
			return r, run.Decide(r, true, nil) // not worth keeping
		}
		r.Tick = &ev.Published
		if ev.Published.IsZero() {
			r.Tick = &r.StartedAt
		}
	}
	err = errors.Join(err, f.export(run.Context(), asked, r))
	var refused *trigger.Error
	if errors.As(err, &refused) {
		return nil, err
	}
	return r, run.End(f.state, r, r.did(), err)
}

// export finds out what there is to read of each organisation, reads the new time
// of all of them and then looks behind it, and closes each for itself.
func (f *Function) export(ctx context.Context, asked request, r *Receipt) error {
	orgs, err := f.organisations(ctx, asked)
	if len(orgs) == 0 {
		return err
	}
	if err := f.refuseForgotten(ctx, asked, orgs); err != nil {
		return err
	}
	errs := []error{err}
	exports := f.planAll(ctx, r.Run, asked, orgs)
	var legs []*leg
	for _, e := range exports {
		legs = append(legs, e.legs...)
	}
	f.takeTurns(ctx, legs)
	f.lookBehindAll(ctx, exports)

	ended := make([]OrgReceipt, len(exports))
	sideBySide(len(exports), planners, func(i int) { ended[i] = exports[i].end(ctx) })
	for i, e := range exports {
		r.add(e, ended[i])
		errs = append(errs, e.err, e.late)
	}
	if asked.backfill() && len(r.Remaining) == 0 && errors.Join(errs...) == nil {
		errs = append(errs, f.forget(ctx, exports))
	}
	return errors.Join(errs...)
}

// planners is how many organisations are planned, or closed, at a time: these are
// a few requests each to the store, not to the API.
const planners = 16

// planAll plans for each organisation, the one that is most behind first: what a
// run's time does not suffice for is first in the next.
//
// A business group that is met for the first time, below one that is configured,
// may be as old as the last look at what there is. So its export begins no later
// than where that of the configured ones had got to.
func (f *Function) planAll(ctx context.Context, run string, asked request, orgs []string) []*export {
	now := time.Now().UTC()
	exports := make([]*export, len(orgs))
	plan := func(configured bool, looked time.Time) {
		sideBySide(len(orgs), planners, func(i int) {
			if slices.Contains(f.cfg.Orgs, orgs[i]) == configured {
				exports[i] = f.plan(ctx, run, asked, now, orgs[i], looked)
			}
		})
	}
	plan(true, time.Time{})
	var looked time.Time
	for _, e := range exports {
		if e != nil && !e.watermark.IsZero() && (looked.IsZero() || e.watermark.Before(looked)) {
			looked = e.watermark
		}
	}
	plan(false, looked)
	slices.SortStableFunc(exports, func(a, b *export) int { return a.lead().Compare(b.lead()) })
	return exports
}

// lookBehindAll looks behind the new time of all organisations that have no other.
// Each has a share of the time that is left.
func (f *Function) lookBehindAll(ctx context.Context, exports []*export) {
	var waiting atomic.Int64
	waiting.Store(int64(len(exports)))
	sideBySide(len(exports), f.cfg.walks(), func(i int) {
		e := exports[i]
		rounds := float64(waiting.Add(-1))/float64(f.cfg.walks()) + 1
		if ctx.Err() != nil || e.stopped() || !e.complete() {
			return
		}
		var until time.Time
		if deadline, ok := ctx.Deadline(); ok {
			until = time.Now().Add(time.Duration(float64(time.Until(deadline)) / rounds))
		}
		err := f.lookBehind(ctx, e, until)
		var cut *retry.CutError
		if outcome.Late(ctx, err) && (!errors.As(err, &cut) || cut.Last == nil) {
			return // the next run goes on with it, and nothing is asked of this one but new time
		}
		e.fail(ctx, err)
	})
}

// sideBySide does n things, limit at a time.
func sideBySide(n, limit int, do func(i int)) {
	var g errgroup.Group
	g.SetLimit(limit)
	for i := range n {
		g.Go(func() error { do(i); return nil })
	}
	_ = g.Wait()
}

// forget removes the progress of a backfill that is complete: asked for again, it
// looks for what has arrived since.
func (f *Function) forget(ctx context.Context, exports []*export) error {
	ctx, cancel := outcome.LastWords(ctx)
	defer cancel()
	var errs []error
	for _, e := range exports {
		errs = append(errs, f.state.Remove(ctx, e.progressPath()))
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
			return nil, refuse("organisation %q is not configured, but %s: add it to MULE_ORG_ID", org, strings.Join(orgs, ", "))
		}
	}
	asked.Orgs = slices.Clone(asked.Orgs)
	slices.Sort(asked.Orgs)
	return slices.Compact(asked.Orgs), nil
}
