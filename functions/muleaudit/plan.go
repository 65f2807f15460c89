package muleaudit

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/outcome"
)

// job is one organisation's part of a run, as planned and as it went. While
// looks are under way it belongs to the queue's lock.
type job struct {
	span
	lengths []time.Duration
	looks   []look
	done    []bool // by look
	next    int    // the next look to hand out
	flying  int    // looks under way
	strays  strays

	receipt OrgReceipt
	bytesIn int64
	retries int64
	err     error
	late    error     // what the end of the run's time cut off
	reached time.Time // the watermark as it is now; zero if unknown
}

// fail notes what went wrong, and apart from it what the end of the run's time,
// which is no fault of the organisation's, cut off.
func (j *job) fail(ctx context.Context, err error) {
	if outcome.Late(ctx, err) {
		j.late = errors.Join(j.late, err)
		return
	}
	j.err = errors.Join(j.err, err)
}

// plan decides what to look at for each organisation, the one that is most
// behind first: what a run's time does not suffice for is first in the next.
func (f *Function) plan(ctx context.Context, run string, asked request, orgs []string) []*job {
	now := time.Now().UTC()
	jobs := make([]*job, len(orgs))
	for i, org := range orgs {
		j := &job{span: span{org: org}}
		j.receipt = OrgReceipt{Org: org, Objects: []Object{}}
		j.fail(ctx, f.planOrg(ctx, run, asked, now, j))
		j.receipt.From, j.receipt.To = j.from, j.to
		jobs[i] = j
	}
	slices.SortStableFunc(jobs, func(a, b *job) int { return cmp.Compare(a.from.UnixNano(), b.from.UnixNano()) })
	return jobs
}

func (f *Function) planOrg(ctx context.Context, run string, asked request, now time.Time, j *job) (err error) {
	st := orgState{f.state, j.org}
	recovered, err := f.publishPending(ctx, st)
	j.receipt.Recovered = objects(recovered)
	if err != nil {
		return err
	}
	if err := f.removeOrphans(ctx, st); err != nil {
		return err
	}
	if j.lengths, err = st.lengths(ctx, f.cfg.Slice); err != nil {
		return err
	}
	if asked.backfill() {
		j.from, j.to = asked.From, asked.To
	} else {
		if j.watermark, err = st.watermark(ctx); err != nil {
			return err
		}
		j.scheduled = true
		j.from, j.to = f.window(now, j.watermark)
		if j.reached = j.watermark; j.reached.IsZero() {
			j.reached = j.from
		}
		if j.watermark.IsZero() {
			if err := st.begin(ctx, j.from, run); err != nil {
				return err
			}
		}
	}
	j.looks = j.span.looks(f.cfg.Slice)
	j.done = make([]bool, len(j.looks))
	return nil
}

// window is what a scheduled run looks at: from the overlap before the
// watermark, or the lookback before now, back to a slice's start, up to the
// settle time before now.
func (f *Function) window(now, watermark time.Time) (from, to time.Time) {
	to = now.Add(-f.cfg.Settle).Truncate(time.Millisecond)
	if watermark.IsZero() {
		return now.Add(-f.cfg.Lookback).Truncate(f.cfg.Slice), to
	}
	// A longer settle time than before must not move the window back.
	to = latest(to, watermark)
	return watermark.Add(-f.cfg.Overlap).Truncate(f.cfg.Slice), to
}
