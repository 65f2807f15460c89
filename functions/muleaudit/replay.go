package muleaudit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/format"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// Replayed is what became of the entries in quarantine.
type Replayed struct {
	Objects   int64    // in quarantine, of which every entry is an event in the output now
	Delivered int64    // entries that are, whether this replay wrote them or was not the first
	Rejected  int64    // entries that still cannot be delivered
	Left      int64    // entries that were not tried
	Why       []string // they were not, each once
}

// Replay delivers the entries in quarantine that are events with the configuration
// as it is now, from what was kept of them: the API need not have them any more.
// They go out as events of their slice do, by a manifest, and so once, whatever
// runs, backfills and other replays do at the same time. Objects of which all are
// out are marked; nothing is deleted.
func (f *Function) Replay(ctx context.Context) (Replayed, error) {
	p := &replay{f: f, r: &Receipt{Core: receipt.Start("muleaudit"), Orgs: []OrgReceipt{}}}
	run := outcome.Begin(ctx, 0, 0)
	defer run.Cancel()
	p.ctx = run.Context()
	if err := format.Check(p.ctx, f.state, "muleaudit"); err != nil {
		return p.done, err
	}
	err := p.all()
	if len(p.r.Orgs) == 0 && err == nil {
		return p.done, nil
	}
	return p.done, run.End(f.state, p.r, p.done.Delivered > 0, err)
}

// replay is one call of [Function.Replay].
type replay struct {
	f      *Function
	ctx    context.Context
	r      *Receipt
	done   Replayed
	drafts int
	draft  *draft // with entries of the object in hand, nil if there are none
}

func (p *replay) all() error {
	var errs []error
	for o, err := range p.f.quarantine.Pending(p.ctx) {
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for tries := 1; ; tries++ {
			err = p.object(o)
			if !errors.Is(err, errOvertaken) || tries == maxTries {
				break
			}
		}
		if err != nil { // the others need not wait for it
			errs = append(errs, fmt.Errorf("%s: %w", o.Name, err))
		}
		if p.ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// object replays one object.
func (p *replay) object(o quarantine.Object) error {
	before := p.done
	err := p.entries(o.Name)
	if err == nil {
		err = p.commit()
	}
	if err != nil {
		if d := p.draft; d != nil {
			p.draft = nil
			err = errors.Join(err, d.discard(p.ctx))
		}
		p.done = before // what is out of it is found to be so the next time
		return err
	}
	progress.Add(p.ctx, 1)
	if p.done.Rejected > before.Rejected || p.done.Left > before.Left {
		return nil
	}
	if err := p.f.quarantine.Replayed(p.ctx, o); err != nil {
		return err
	}
	p.done.Objects++
	return nil
}

func (p *replay) entries(name string) error {
	for rec, err := range p.f.quarantine.ReadWhole(p.ctx, name, p.f.cfg.MaxRecordBytes) {
		if err != nil {
			return err
		}
		event, ok := p.event(rec)
		if !ok {
			p.done.Rejected++
			continue
		}
		if err := p.entry(rec, event); err != nil {
			return err
		}
	}
	return nil
}

// event returns what of a record is delivered, if it can be.
func (p *replay) event(rec quarantine.Record) ([]byte, bool) {
	if rec.Long || len(rec.Record) > p.f.cfg.MaxRecordBytes {
		return nil, false
	}
	var b bytes.Buffer
	if err := json.Compact(&b, rec.Record); err != nil || b.Len() == 0 || b.Bytes()[0] != '{' {
		return nil, false
	}
	return b.Bytes(), true
}

// entry adds an entry that can be delivered to the draft of its slice.
func (p *replay) entry(rec quarantine.Record, event []byte) error {
	var at position
	if err := json.Unmarshal(rec.Source, &at); err != nil {
		return fmt.Errorf("line %d: %w", rec.Line, err)
	}
	ms, timed := anypoint.Timestamp(event)
	when := time.UnixMilli(ms).UTC()
	if !validOrg(at.Org) || !timed || when.Before(at.From) || !when.Before(at.To) {
		p.leave("an entry does not tell itself to which slice it belongs: run a backfill from %s to %s of organisation %s, which finds it there",
			at.From.Format(time.RFC3339), at.To.Format(time.RFC3339), at.Org)
		return nil
	}
	s := sliceAt(at.Org, when, p.f.cfg.Slice)
	if p.draft == nil || p.draft.slice != s {
		if err := p.commit(); err != nil {
			return err
		}
		if forgotten, err := p.begin(s); err != nil || forgotten {
			return err
		}
	}
	d, k := p.draft, keyOf(event)
	known, err := d.known.has(p.ctx, k, s.To.Add(edge))
	if err != nil {
		return err
	}
	d.total.in++
	if known || !d.fresh.add(k) {
		d.total.known++
		return nil
	}
	d.covers(when)
	return d.parts.add(event, ms)
}

func (p *replay) leave(format string, args ...any) {
	p.done.Left++
	if why := fmt.Sprintf(format, args...); !slices.Contains(p.done.Why, why) {
		p.done.Why = append(p.done.Why, why)
	}
}

// begin begins the draft of a slice, unless it is forgotten what it exported.
func (p *replay) begin(s slice) (isForgotten bool, err error) {
	st := orgState{p.f.state, s.org}
	gone, err := st.forgotten(p.ctx)
	if err != nil {
		return false, err
	}
	if !gone.From.IsZero() && s.From.Before(gone.to) && s.To.After(gone.From) {
		p.leave("what was exported of organisation %s before %s is not known any more, since its state was pruned: an entry of then could be exported twice; accept it as lost",
			s.org, gone.to.Format(time.RFC3339))
		return true, nil
	}
	if _, err := p.f.publishPending(p.ctx, st, p.r.Run); err != nil {
		return false, err
	}
	days, err := st.day(p.ctx, s.From)
	if err != nil {
		return false, err
	}
	known, err := st.exported(p.ctx, days, s, s.interval)
	if err != nil {
		return false, err
	}
	p.drafts++
	staged := st.dir("staged", fmt.Sprintf("%s/%s-%d", p.r.Run, s.From.Format(basic), p.drafts)) + "-"
	p.draft = &draft{slice: s, from: s.From, since: s.From, known: known, fresh: keys{}, parts: newParts(p.ctx, p.f.state, staged)}
	return false, nil
}

// commit delivers the draft, and counts what was in it.
func (p *replay) commit() error {
	d := p.draft
	if d == nil {
		return nil
	}
	st := orgState{p.f.state, d.org}
	out, err := d.commit(p.ctx, p.f, p.r.Run, st, interval{d.oldest, d.newest.Add(time.Millisecond)})
	if err != nil {
		return err
	}
	p.draft = nil
	o := OrgReceipt{Org: d.org, From: d.From, To: d.To, Done: d.To, Duplicates: d.total.known, Slices: 1, Objects: objects(out)}
	for _, part := range out {
		o.Events += part.Events
		p.r.BytesOut += part.Bytes
	}
	p.r.In += d.total.in
	p.r.Out += o.Events
	p.r.Filtered += o.Duplicates
	p.r.Orgs = append(p.r.Orgs, o)
	p.done.Delivered += d.total.in
	return nil
}
