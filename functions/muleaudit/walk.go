package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// walk reads a leg from its position on, page by page in order of time, and
// keeps what no object holds yet: as drafts, one a slice, that are committed when
// the walk is past the slice, when it has gone on for long, and when it ends.
//
// It is one query as long as the API keeps order. Where that is off by more than
// package order can put right, or an entry tells no time, what belongs to which
// slice cannot be told from the stream any more, and the walk goes on slice by
// slice, with a query for each, or for as much of one as a run can read.
type walk struct {
	f     *Function
	e     *export
	s     *leg
	ctx   context.Context // of the run
	after context.Context // until the run's last words
	until time.Time       // the end of the turn; zero for none

	q        interval // of the query
	alone    bool     // it is of one slice
	order    order
	drafts   []*draft // by slice
	writing  *draft   // the one with a part under way
	newest   int64    // ms of the newest entry
	disorder int64    // how far one was behind it, at most
	beyond   bool     // an entry was of what another walk has taken over
	received []arrival
	complete int            // of received, those of complete pages
	crowded  int            // from how many on received is looked through
	front    int64          // newest, at the end of the last complete page
	fresh    map[key]*draft // what was new in the page under way
	again    map[key]*draft // likewise, in attempts at it that broke off
	kept     time.Time      // when drafts were last committed

	in int64 // of drafts that were committed
}

// arrival is an entry that was received lately.
type arrival struct {
	ms  int64
	key key
}

// What a query ends for, besides its end.
var (
	errTurnOver  = errors.New("the turn is over")
	errPassed    = errors.New("the rest is another walk's")
	errIrregular = errors.New("the order of the entries does not tell the slice of each")
	errUnordered = errors.New("the entries are in no order")
)

// maxFresh is how many events a walk holds keys of before it commits.
const maxFresh = 200_000

// walk takes a turn at the leg, until it ends or the turn does.
func (f *Function) walk(ctx context.Context, s *leg, until time.Time) error {
	after, cancel := outcome.LastWords(ctx)
	defer cancel()
	for tries := 0; tries < maxTries; tries++ {
		w := &walk{f: f, e: s.e, s: s, ctx: ctx, after: after, until: until, alone: s.irregular, kept: time.Now()}
		w.order.write = w.write
		w.q = interval{s.position(), s.end()}
		if w.alone {
			w.q.To = earliest(w.q.To, sliceAt(s.e.org, w.q.From, f.cfg.Slice).To)
			s.pass(w.q.To.UnixMilli() - 1)
		}
		if w.q.empty() {
			return nil
		}
		if err := w.shorten(); err != nil {
			return err
		}
		switch err := w.read(); {
		case errors.Is(err, errIrregular):
			s.irregular = true
		case errors.Is(err, errUnordered):
			s.unordered = true
		case errors.Is(err, errOvertaken):
			s.days = nil
			if err := s.e.catchUp(ctx, s); err != nil {
				return err
			}
		case errors.Is(err, errTurnOver):
			return nil
		case err != nil:
			return err
		case !until.IsZero() && time.Now().After(until) || ctx.Err() != nil:
			return nil
		default: // of more than one slice, or cut short by another walk, there is more
			tries = -1
		}
	}
	return fmt.Errorf("%s: other runs exported the same events first, %d times over", s, maxTries)
}

// shorten makes the query one that a run can read to its end, where the API keeps
// no order: then nothing of it counts before that.
func (w *walk) shorten() error {
	cfg := w.f.cfg
	most := int64(float64(cfg.RatePerMin)*cfg.RunTimeout.Minutes()/2) * int64(cfg.PageSize)
	for w.s.unordered && w.q.To.Sub(w.q.From) > time.Second {
		total, err := w.f.total(w.ctx, w.e.org, w.q)
		if err != nil || total <= most {
			return err
		}
		w.q.To = w.q.From.Add(w.q.To.Sub(w.q.From) / 2).Truncate(time.Millisecond)
	}
	return nil
}

// total asks how many entries the API has in q; -1 if it does not tell.
func (f *Function) total(ctx context.Context, org string, q interval) (int64, error) {
	n, err := f.api.Total(ctx, anypoint.Query{Org: org, From: q.From, To: q.To})
	var refused *anypoint.Error
	if errors.As(err, &refused) && refused.Kind == anypoint.Protocol && retry.IsPermanent(err) {
		return -1, nil
	}
	return n, err
}

// read makes one query, and commits what it brings. Without an error the query
// is read to its end, or to where another walk goes on.
func (w *walk) read() error {
	stats, err := w.f.api.Entries(w.ctx, anypoint.Query{Org: w.e.org, From: w.q.From, To: w.q.To}, w)
	to, err := w.end(err)
	if to.IsZero() {
		err = errors.Join(err, w.discard())
	} else if keepErr := w.commit(to, true); keepErr != nil {
		// What of them is not decided cannot be any more.
		err = errors.Join(keepErr, w.discard())
		if errors.Is(keepErr, errOvertaken) {
			err = errors.Join(errOvertaken, w.discard())
		}
	}
	total := w.in
	if err == nil && stats.Total >= 0 && to.Equal(w.q.To) {
		total = stats.Total - int64(stats.Outside)
	}
	w.e.count(stats, total)
	return err
}

// end decides up to where is read what a query that ended with err has read. It
// is zero where nothing of it counts.
func (w *walk) end(err error) (to time.Time, _ error) {
	var refused *anypoint.Error
	switch {
	case err == nil:
		return w.q.To, nil
	case errors.Is(err, errPassed):
		return earliest(w.q.To, w.s.end()), nil
	case errors.Is(err, errTurnOver), outcome.Late(w.ctx, err):
		return w.position(), err
	case !errors.As(err, &refused), refused.Kind == anypoint.Protocol:
		return time.Time{}, err // pages that contradict each other may all be wrong
	}
	return w.position(), err
}

// position is the time before which all was received in complete pages, as far
// as the API's order tells.
func (w *walk) position() time.Time {
	done := w.covered()
	if w.disorder > maxDisorder.Milliseconds() || w.front == 0 {
		return done
	}
	at := time.UnixMilli(w.front - w.disorder).UTC()
	if !at.After(done) && w.disorder > 0 {
		// More than a run can read may lie within the disorder. What is then passed
		// by is found by looking behind.
		at = done.Add(time.UnixMilli(w.front).Sub(done) / 2).Truncate(time.Millisecond)
	}
	return earliest(latest(at, done), earliest(w.q.To, w.s.end()))
}

// covered is up to where the walk has committed.
func (w *walk) covered() time.Time { return latest(w.q.From, w.s.position()) }

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
	return &draft{
		slice: s, from: from, since: from, known: known, fresh: keys{},
		parts:  newParts(w.after, w.f.state, w.e.state.dir("staged", id)+"-"),
		reject: rejects{ctx: w.after, store: w.f.quarantine, bucket: w.f.held, day: s.From, id: w.e.org + "/" + id},
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
		elsewhere, err := w.e.isElsewhere(w.ctx, k, d.slice)
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
	return w.e.state.note(ctx, d.slice, r, d.known.events)
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
			return w.e.state.note(ctx, s, reading{From: part.From, To: part.To, APITotal: -1, Run: w.e.run, At: time.Now().UTC()}, 0)
		})
	}
	return g.Wait()
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

// discard removes what the walk has not committed.
func (w *walk) discard() error {
	var errs []error
	for _, d := range w.drafts {
		errs = append(errs, d.discard(w.ctx))
	}
	w.drafts = nil
	return errors.Join(errs...)
}
