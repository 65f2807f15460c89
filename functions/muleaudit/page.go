package muleaudit

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
)

// PageStart implements [anypoint.Handler]: what came of the page before it broke
// off will come again, and is no duplicate of itself.
func (w *walk) PageStart(int) {
	for k, d := range w.fresh {
		w.keep(&w.again, k, d)
	}
	clear(w.fresh)
	for _, d := range w.drafts {
		d.page = tally{}
	}
	w.received = w.received[:w.complete]
}

func (w *walk) keep(in *map[key]*draft, k key, d *draft) {
	if *in == nil {
		*in = map[key]*draft{}
	}
	(*in)[k] = d
}

// Entry takes one event.
func (w *walk) Entry(event []byte) error {
	ms, timed := anypoint.Timestamp(event)
	d, at, err := w.place(ms, timed)
	if d == nil {
		return err
	}
	news, err := w.news(d, keyOf(event), at, timed)
	if err != nil || !news {
		return err
	}
	if !timed {
		d.untimed++
	}
	if w.e.isLate(at) && timed {
		d.late++
	}
	return w.order.add(event, at, d)
}

// Reject sets an entry aside that cannot be delivered.
func (w *walk) Reject(r anypoint.Rejected) error {
	ms, timed := r.Timestamp()
	d, at, err := w.place(ms, timed)
	if d == nil {
		return err
	}
	var newsErr error
	err = d.reject.put(w.e.org, w.q, r, func(k key) bool {
		var news bool
		news, newsErr = w.news(d, k, at, timed)
		return news
	})
	return errors.Join(err, newsErr)
}

// place returns the draft that an entry belongs to, and the time of its place:
// its own, or that of the entry before it. No draft is the place of what another
// walk has taken over.
func (w *walk) place(ms int64, timed bool) (*draft, int64, error) {
	own := timed && ms >= w.q.From.UnixMilli() && ms < w.q.To.UnixMilli()
	behind := w.newest - ms
	if !w.alone && (!own || behind > maxDisorder.Milliseconds()) {
		return nil, 0, errIrregular
	}
	if own && behind > maxDisorder.Milliseconds() && !w.s.unordered {
		return nil, 0, errUnordered
	}
	if !own {
		ms = max(w.newest, w.q.From.UnixMilli())
	} else {
		w.disorder = max(w.disorder, behind)
		w.newest = max(w.newest, ms)
	}
	if !w.alone && !w.s.pass(ms) {
		w.beyond = true
		return nil, 0, nil
	}
	d, err := w.draft(sliceAt(w.e.org, time.UnixMilli(ms), w.f.cfg.Slice))
	return d, ms, err
}

// draft returns the draft of a slice, a new one if there is none.
func (w *walk) draft(s slice) (*draft, error) {
	i, found := slices.BinarySearchFunc(w.drafts, s, func(d *draft, s slice) int { return d.From.Compare(s.From) })
	if found {
		return w.drafts[i], nil
	}
	d, err := w.newDraft(s)
	if err == nil {
		w.drafts = slices.Insert(w.drafts, i, d)
	}
	return d, err
}

func (w *walk) newDraft(s slice) (*draft, error) {
	read := s.interval.within(w.q)
	day, err := w.s.dayState(w.ctx, s.From)
	if err != nil {
		return nil, err
	}
	known, err := w.e.state.exported(w.ctx, day, s, read)
	if err != nil {
		return nil, err
	}
	return w.draftOn(s, known, latest(read.From, w.covered())), nil
}

// draftOn is a draft of what comes after from in a slice of which known is known.
func (w *walk) draftOn(s slice, known *exported, from time.Time) *draft {
	id := fmt.Sprintf("%s/%s-%d", w.e.run, s.From.Format(basic), w.e.next())
	staged := w.e.state.dir("staged", id) + "-"
	return &draft{
		slice: s, from: from, since: from, known: known, fresh: keys{},
		parts:  newParts(w.after, w.f.state, staged),
		reject: rejects{ctx: w.after, store: w.f.quarantine, state: w.f.state, prefix: staged, day: s.From, id: w.e.org + "/" + id},
	}
}

// write takes an event in its turn. One part at a time is under way.
func (w *walk) write(e waiting) error {
	if w.writing != e.to {
		if w.writing != nil {
			if err := w.writing.parts.closePart(); err != nil {
				return err
			}
		}
		w.writing = e.to
	}
	return e.to.parts.add(e.raw, e.ms)
}

// news counts an entry, and tells whether nothing holds it yet.
func (w *walk) news(d *draft, k key, ms int64, timed bool) (bool, error) {
	d.page.in++
	if timed {
		w.received = append(w.received, arrival{ms, k})
		d.covers(time.UnixMilli(ms).UTC())
	}
	if _, before := w.again[k]; before {
		delete(w.again, k)
		w.keep(&w.fresh, k, d)
		return false, nil
	}
	reached := time.UnixMilli(ms)
	if w.alone { // what has no time, or no order, may be anywhere
		reached = d.To.Add(edge)
	}
	known, err := d.known.has(w.ctx, k, reached)
	if err != nil {
		return false, err
	}
	news := !known && !d.fresh.has(k)
	if news && !timed {
		d.strays++
		elsewhere, err := w.e.isElsewhere(w.ctx, k, d)
		if err != nil {
			return false, err
		}
		news = !elsewhere
	}
	if !news {
		d.page.known++
		return false, nil
	}
	d.fresh.add(k)
	w.keep(&w.fresh, k, d)
	return true, nil
}

// PageEnd takes a page that arrived whole, and commits what it completes.
func (w *walk) PageEnd(more bool) error {
	w.countPage()
	w.complete, w.front = len(w.received), w.newest
	if w.complete > w.crowded {
		w.forget()
	}
	w.s.pageRead()
	if !more {
		return nil
	}
	now := time.Now()
	fresh := 0
	for _, d := range w.drafts {
		fresh += len(d.fresh)
	}
	end := w.s.end()
	switch {
	case w.beyond && w.newest >= end.UnixMilli()+w.disorder:
		return errPassed
	case w.ctx.Err() != nil:
		return errTurnOver
	case !w.until.IsZero() && now.After(w.until) && w.position().After(w.q.From): // else the next turn would find the same
		return errTurnOver
	case w.alone:
		return nil
	case fresh > maxFresh, now.Sub(w.kept) > w.f.keepEvery():
		return w.commit(w.position(), true)
	}
	for i := len(w.drafts) - 1; i >= 0; i-- {
		if w.drafts[i].To.UnixMilli() <= w.newest-maxDisorder.Milliseconds() {
			return w.commit(earliest(w.drafts[i].To, end), false)
		}
	}
	return nil
}

// countPage counts what the page under way brought, complete or not.
func (w *walk) countPage() {
	for _, d := range w.drafts {
		d.total.add(d.page)
		d.seen += d.page.in
		if d.page.in > 0 {
			d.pages++
		}
		d.page = tally{}
	}
	for k, d := range w.again { // received, though the API did not send it again
		d.total.in++
		delete(w.again, k)
	}
	clear(w.fresh)
}

// abandonPage counts what is kept of a page that did not arrive whole.
func (w *walk) abandonPage() {
	for _, d := range w.drafts {
		d.page = tally{}
	}
	for k, d := range w.fresh {
		w.keep(&w.again, k, d)
	}
	w.received = w.received[:w.complete]
	w.countPage()
}

// forget lets go of arrivals that no entry to come can be identical to.
func (w *walk) forget() {
	old := w.newest - maxDisorder.Milliseconds()
	w.received = slices.DeleteFunc(w.received, func(a arrival) bool { return a.ms <= old })
	if !w.alone {
		for _, d := range w.drafts {
			d.known.pass(time.UnixMilli(old))
		}
	}
	w.complete = len(w.received)
	w.crowded = 2*len(w.received) + 1000
}
