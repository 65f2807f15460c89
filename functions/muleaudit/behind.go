package muleaudit

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/outcome"
)

// behind is how far an organisation's runs have looked behind the watermark.
type behind struct {
	// Whole is when all of it was last read again, and Since from where on the
	// next time does: nothing must slide out of MULE_OVERLAP in between.
	Whole time.Time `json:"whole"`
	Since time.Time `json:"since"`
	// Left is what a run that began to read again had not the time for.
	Left *interval `json:"left,omitempty"`
	// LeftWhole says that with it all of it is read again.
	LeftWhole bool `json:"left_whole,omitempty"`
	// First is where the first scheduled run began: see orgState.since.
	First time.Time `json:"first,omitzero"`
}

func (l orgState) behindPath() string { return l.dir("behind") }

func (l orgState) behind(ctx context.Context) (b behind, err error) {
	err = l.state.ReadJSON(ctx, l.behindPath(), &b)
	if bucket.IsNotFound(err) {
		return b, nil
	}
	return b, err
}

// fewPages is up to how many pages reading again is not worth a question first.
const fewPages = 2

// lookBehind reads again what lies behind the new time of a scheduled run, for
// events that arrived late: all of it every MULE_OVERLAP, else what of it has
// another number of entries than were read. What there is no time for is left to
// the next run.
func (f *Function) lookBehind(ctx context.Context, e *export, until time.Time) error {
	if e.backfill || f.cfg.Overlap <= 0 || e.watermark.IsZero() && len(e.earlier) == 0 {
		return nil
	}
	state, err := e.state.behind(ctx)
	if err != nil {
		return err
	}
	if e.watermark.IsZero() {
		return f.lookAhead(ctx, e, &state, until)
	}
	if state.First.IsZero() {
		if state.First, err = e.state.since(ctx); err != nil {
			return err
		}
	}
	since := state.First
	// First what an earlier run has left.
	if left := state.Left; left != nil {
		if done, err := f.readAgain(ctx, e, &state, state.LeftWhole, until, *left); !done {
			return err
		}
	}
	back := interval{latest(since, e.watermark.Add(-f.cfg.Overlap)).Truncate(f.cfg.Slice), e.window.To}
	if time.Since(state.Whole) >= f.cfg.Overlap {
		back.To = e.watermark // not the new time as well, which was just read
		if !state.Since.IsZero() {
			back.From = latest(since, earliest(back.From, state.Since)).Truncate(f.cfg.Slice)
		}
		if done, err := f.readAgain(ctx, e, &state, true, until, back); !done || err != nil {
			return err
		}
		return f.lookAhead(ctx, e, &state, until)
	}
	changed, err := f.changed(ctx, e, back)
	if err == nil && len(changed) > 0 {
		_, err = f.readAgain(ctx, e, &state, false, until, changed...)
	}
	return err
}

// lookAhead reads again what earlier runs had read ahead of the watermark, which
// is no newer than what lies behind it, where its number of entries is another
// now.
func (f *Function) lookAhead(ctx context.Context, e *export, state *behind, until time.Time) error {
	for _, i := range e.earlier {
		changed, err := f.changed(ctx, e, i)
		if err != nil {
			return err
		}
		if len(changed) == 0 {
			continue
		}
		if done, err := f.readAgain(ctx, e, state, false, until, changed...); !done || err != nil {
			return err
		}
	}
	return nil
}

// readAgain reads parts of what lies behind again, and notes that all of it is, or
// what of it is left. It tells whether nothing is.
func (f *Function) readAgain(ctx context.Context, e *export, state *behind, whole bool, until time.Time, parts ...interval) (done bool, err error) {
	last := parts[len(parts)-1].To
	save := whole || state.Left != nil
	state.Left = nil
	for _, part := range parts {
		s := newLeg(e, part)
		s.behind = true
		err = f.walk(ctx, s, until)
		if !s.done() {
			state.Left, state.LeftWhole = &interval{s.position(), last}, whole
			break
		}
		if err != nil {
			return false, err
		}
	}
	if state.Left == nil {
		state.LeftWhole = false
		if whole {
			state.Whole, state.Since = time.Now().UTC(), last.Add(-f.cfg.Overlap)
		}
	}
	if !save && state.Left == nil {
		return true, nil
	}
	ctx, cancel := outcome.LastWords(ctx)
	defer cancel()
	return state.Left == nil, errors.Join(err, e.state.state.PutJSON(ctx, e.state.behindPath(), *state))
}

// changed returns what has to be read again for the API to count more there than
// was read.
func (f *Function) changed(ctx context.Context, e *export, back interval) ([]interval, error) {
	known, err := e.readIn(ctx, back)
	if err != nil {
		return nil, err
	}
	differs := func(i interval, events int64) (bool, error) {
		if events < 0 {
			return true, nil
		}
		total, err := f.total(ctx, e.org, i)
		return total != events, err
	}
	sum := int64(0)
	for _, k := range known {
		if k.events < 0 {
			sum = -1
			break
		}
		sum += k.events
	}
	if more, err := differs(back, sum); err != nil || !more {
		return nil, err
	}
	var again []interval
	for _, k := range known {
		if len(known) > 1 && k.events > int64(fewPages*f.cfg.PageSize) {
			if more, err := differs(k.interval, k.events); err != nil || !more {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		again = union(again, k.interval)
	}
	return again, nil
}

// counted is how many entries were read of a part of a slice, -1 where that is
// not known.
type counted struct {
	interval
	events int64
}

// readIn returns, slice by slice, what is known to have been read in i.
func (e *export) readIn(ctx context.Context, i interval) ([]counted, error) {
	var all []counted
	for s := sliceAt(e.org, i.From, e.f.cfg.Slice); s.From.Before(i.To); s = s.next() {
		all = append(all, counted{s.interval.within(i), -1})
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for n := range all {
		g.Go(func() error {
			rec, err := e.sliceReceipt(ctx, sliceAt(e.org, all[n].From, e.f.cfg.Slice).From)
			for _, r := range rec.Readings {
				if r.interval() == all[n].interval {
					all[n].events = r.Events
				}
			}
			return err
		})
	}
	return all, g.Wait()
}
