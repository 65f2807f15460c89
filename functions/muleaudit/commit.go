package muleaudit

import (
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/outcome"
)

// commit makes durable what lies before to, and of what lies after it whatever
// the drafts hold if all is set. Then the position is at to.
func (w *walk) commit(to time.Time, all bool) error {
	if all {
		w.abandonPage()
		if err := w.order.flush(); err != nil {
			return err
		}
	} else if err := w.order.passed(w.newest); err != nil {
		return err
	}
	if w.writing = nil; to.Before(w.covered()) {
		to = w.covered()
	}
	noted := map[time.Time]bool{}
	var rest []*draft
	for len(w.drafts) > 0 && (all || !w.drafts[0].To.After(to)) {
		d := w.drafts[0]
		if err := w.commitDraft(d, to); err != nil {
			return err
		}
		noted[d.From] = true
		if w.drafts = w.drafts[1:]; d.To.After(to) {
			rest = append(rest, w.remainder(d, to))
		}
	}
	w.drafts = append(rest, w.drafts...)
	if err := w.noteEmpty(to, noted); err != nil {
		return err
	}
	w.kept = time.Now()
	w.forget()
	return w.e.advance(w.ctx, w.s, to)
}

// commitDraft commits a draft of a slice that is read up to to.
func (w *walk) commitDraft(d *draft, to time.Time) error {
	read := interval{d.from, d.newest.Add(time.Millisecond)}
	if d.newest.IsZero() || d.total.in > 0 && d.untimed+d.reject.count > 0 {
		read = d.interval.within(w.q) // those without a time may be anywhere
	} else if d.oldest.Before(read.From) {
		read.From = d.oldest
	}
	objects, err := d.commit(w.ctx, w.f, w.e.run, w.e.state, read)
	if err != nil {
		return err
	}
	w.in += d.total.in
	w.e.forgetStrays(d)
	w.e.add(d, objects)
	r := reading{
		From: d.since, To: earliest(d.To, to), Events: d.seen - w.laterThan(d, to), APITotal: -1, Pages: d.pages,
		Run: w.e.run, At: time.Now().UTC(),
	}
	if !r.From.Before(r.To) || w.s.behind && r.To.Before(earliest(d.To, w.s.end())) {
		return nil
	}
	ctx, cancel := outcome.LastWords(w.ctx)
	defer cancel()
	return w.e.note(ctx, d.slice, r, d.known.events)
}

// laterThan counts the entries of d that were received of the time from to on.
func (w *walk) laterThan(d *draft, to time.Time) (n int64) {
	from, end := to.UnixMilli(), d.To.UnixMilli()
	for _, a := range w.received[:w.complete] {
		if a.ms >= from && a.ms < end {
			n++
		}
	}
	return n
}

// remainder is the draft that goes on where d, which is committed, was read up to
// to.
func (w *walk) remainder(d *draft, to time.Time) *draft {
	next := w.draftOn(d.slice, d.known, to)
	next.known.recent = keys{}
	from, end := d.From.UnixMilli(), d.To.UnixMilli()
	for _, a := range w.received {
		if a.ms >= from && a.ms < end {
			next.known.recent.add(a.key) // identical entries are of one time
		}
	}
	next.seen = w.laterThan(d, to)
	if w.s.behind { // its slice's receipt says more already than half of this would
		next.seen, next.since, next.pages = d.seen, d.since, d.pages
	}
	return next
}

// noteEmpty notes that the slices up to to were read of which there was nothing.
func (w *walk) noteEmpty(to time.Time, noted map[time.Time]bool) error {
	ctx, cancel := outcome.LastWords(w.ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	from := w.covered()
	for s := sliceAt(w.e.org, from, w.f.cfg.Slice); s.From.Before(to); s = s.next() {
		if noted[s.From] {
			continue
		}
		part := s.interval.within(interval{from, to})
		g.Go(func() error {
			return w.e.note(ctx, s, reading{From: part.From, To: part.To, APITotal: -1, Run: w.e.run, At: time.Now().UTC()}, 0)
		})
	}
	return g.Wait()
}

// discard removes what the walk has not committed.
func (w *walk) discard() error {
	var errs []error
	for _, d := range w.drafts {
		errs = append(errs, d.discard(w.ctx))
	}
	w.drafts = nil
	return errors.Join(errs...)
}
