package muleaudit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	"github.com/siemfeed/siemfeed/pkg/outcome"
	"github.com/siemfeed/siemfeed/pkg/progress"
)

// export is one organisation's part of a run: what is to be read, how far that
// has come, and what it brought. Walks that go on side by side share it.
type export struct {
	f        *Function
	run      string
	org      string
	state    orgState
	backfill bool
	window   interval
	// watermark is where the last run had got to, zero if there was none or this
	// is a backfill. An event before it that is new is late.
	watermark time.Time
	// earlier is what runs before this one had read of the window.
	earlier []interval

	saving sync.Mutex // one at a time makes durable how far all have come

	mu      sync.Mutex
	done    []interval // of the window
	legs    []*leg
	saved   time.Time // when done was last made durable
	dirty   bool      // done, or what follows from it, is not durable
	ahead   bool      // STATE_URL has progress beyond the watermark
	reached time.Time // the watermark as it is now; zero if unknown
	drafts  int
	noted   map[time.Time]sliceReceipt // as this run has left them
	strays  map[key]time.Time          // see isElsewhere
	decided int                        // drafts of which strays were, that were committed
	receipt OrgReceipt
	in      int64
	bytesIn int64
	retries int64
	err     error
	late    error // what the end of the run's time cut off
}

// saveEvery is how often a position is made durable while a walk goes on. What
// lies behind it is known all the same: to be killed costs reading it again.
const saveEvery = 3 * time.Second

// keepEvery is how often a walk commits what it has of one slice, so that a kill
// costs no more than reading that again.
func (f *Function) keepEvery() time.Duration {
	if f.cfg.RunTimeout <= 0 {
		return 2 * time.Minute
	}
	return f.cfg.RunTimeout / 4
}

// plan finds out what is to be read of an organisation. One that is met for the
// first time may have been there since looked, unless that is zero.
func (f *Function) plan(ctx context.Context, run string, asked request, now time.Time, org string, looked time.Time) *export {
	e := &export{f: f, run: run, org: org, state: orgState{f.state, org}, backfill: asked.backfill()}
	e.receipt = OrgReceipt{Org: org, Objects: []Object{}}
	e.fail(ctx, e.begin(ctx, asked, now, looked))
	e.receipt.From, e.receipt.To = e.window.From, e.window.To
	return e
}

func (e *export) begin(ctx context.Context, asked request, now, looked time.Time) (err error) {
	first := false // of all runs
	if e.backfill {
		e.window = interval{asked.From, asked.To}
	} else {
		var since time.Time
		if e.watermark, err = e.state.watermark(ctx); err == nil && e.watermark.IsZero() {
			since, err = e.state.since(ctx)
		}
		if err != nil {
			return err
		}
		if first = e.watermark.IsZero() && since.IsZero(); first {
			since = looked.Truncate(e.f.cfg.Slice)
		}
		e.window = e.f.window(now, e.watermark, since)
		e.reached = latest(e.watermark, e.window.From)
	}
	if err := e.publishPending(ctx); err != nil {
		return err
	}
	// Once in a slice, of scheduled runs, suffices to tidy up.
	if length := e.f.cfg.Slice; e.backfill || !e.window.From.Truncate(length).Equal(e.window.To.Truncate(length)) {
		if err := e.f.removeOrphans(ctx, e.state); err != nil {
			return err
		}
	}
	done, err := e.state.progress(ctx, e.progressPath())
	if err != nil {
		return err
	}
	e.ahead = len(done) > 0 && !e.backfill
	e.dirty = e.ahead // it may adjoin the watermark
	for _, i := range done {
		e.done = union(e.done, i.within(e.window))
	}
	e.earlier = slices.Clone(e.done)
	if first {
		if err := e.state.begin(ctx, e.window.From, e.run); err != nil {
			return err
		}
	}
	left := gaps(e.done, e.window)
	if !e.backfill { // of which this run may be a part
		progress.Expect(ctx, e.f.slicesIn(covered(left)))
	}
	for _, gap := range left {
		e.legs = append(e.legs, newLeg(e, gap))
	}
	return nil
}

func (e *export) progressPath() string {
	if e.backfill {
		return e.state.progressPath(&e.window)
	}
	return e.state.progressPath(nil)
}

// publishPending publishes what earlier runs, or others under way, have decided
// on: a walk takes that for exported.
func (e *export) publishPending(ctx context.Context) error {
	recovered, err := e.f.publishPending(ctx, e.state, e.run)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.receipt.Recovered = append(e.receipt.Recovered, objects(recovered)...)
	return err
}

// fail notes what went wrong, and apart from it what the end of the run's time,
// which is no fault of the organisation's, cut off.
func (e *export) fail(ctx context.Context, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if outcome.Late(ctx, err) {
		e.late = errors.Join(e.late, err)
	} else {
		e.err = errors.Join(e.err, err)
	}
}

// stopped tells whether the run goes no further with the organisation: it failed,
// or there is no time for another request.
func (e *export) stopped() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err != nil || e.late != nil
}

// advance moves the position of a leg.
func (e *export) advance(ctx context.Context, s *leg, to time.Time) error {
	s.moveTo(to)
	if s.behind {
		return nil
	}
	e.mu.Lock()
	before := covered(e.done)
	e.done = union(e.done, interval{s.from, to})
	e.dirty = true
	n := e.f.slicesIn(covered(e.done)) - e.f.slicesIn(before)
	due := time.Since(e.saved) > saveEvery
	e.mu.Unlock()
	progress.Add(ctx, n)
	if !due {
		return nil
	}
	return e.save(ctx)
}

// save makes durable how far the window is done.
func (e *export) save(ctx context.Context) error {
	// This is worth a moment beyond the run's own time.
	ctx, cancel := outcome.LastWords(ctx)
	defer cancel()
	e.saving.Lock()
	defer e.saving.Unlock()
	// Walks take for exported what another run has decided on, so that has to be out
	// as well before this run may call anything complete.
	if err := e.publishPending(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	done, reached, ahead := slices.Clone(e.done), e.reached, e.ahead
	lead := e.lead()
	e.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(done), func(i interval) bool { return !e.backfill && !i.To.After(lead) })
	switch {
	case len(rest) > 0:
		if err := e.state.addProgress(ctx, e.progressPath(), rest, e.watermark); err != nil {
			return err
		}
	case ahead:
		if err := e.state.state.Remove(ctx, e.progressPath()); err != nil {
			return err
		}
	}
	if !e.backfill && lead.After(e.watermark) && lead.After(reached) {
		if err := e.state.advance(ctx, lead, e.run); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.saved, e.ahead = time.Now(), len(rest) > 0
	e.dirty = covered(e.done) > covered(done) // a walk went on meanwhile
	if !e.backfill {
		e.reached = latest(e.reached, lead)
	}
	return nil
}

// lead is up to where the window is done from its beginning on.
func (e *export) lead() time.Time {
	if len(e.done) == 0 || e.done[0].From.After(e.window.From) {
		return e.window.From
	}
	return e.done[0].To
}

// catchUp moves a leg to where another run has got to meanwhile.
func (e *export) catchUp(ctx context.Context, s *leg) error {
	if e.backfill || s.behind {
		return nil
	}
	mark, err := e.state.watermark(ctx)
	if err != nil {
		return err
	}
	if at := earliest(mark, s.end()); at.After(s.position()) {
		return e.advance(ctx, s, at)
	}
	return nil
}

// complete tells whether all new time is read.
func (e *export) complete() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(gaps(e.done, e.window)) == 0
}

// next numbers the drafts of a run.
func (e *export) next() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.drafts++
	return e.drafts
}

func (e *export) isLate(ms int64) bool {
	return !e.watermark.IsZero() && ms < e.watermark.UnixMilli()
}

// isElsewhere tells whether an entry that tells no time of its own belongs to a
// slice beside that of d. More is asked of the API than is meant, so that one at an
// edge is found by the queries at both sides: it belongs to the first that has it.
// Of those, what is committed is known from the manifests, the rest from strays.
func (e *export) isElsewhere(ctx context.Context, k key, d *draft) (bool, error) {
	e.mu.Lock()
	first, met := e.strays[k]
	if !met {
		if e.strays == nil {
			e.strays = map[key]time.Time{}
		}
		e.strays[k], first = d.From, d.From
	}
	decided := e.decided
	e.mu.Unlock()
	if !first.Equal(d.From) {
		return true, nil
	}
	if d.beside == nil || d.besideAt != decided {
		d.beside, d.besideAt = keys{}, decided
		for _, at := range []time.Time{d.From, d.To} {
			if err := e.state.knownIn(ctx, interval{at, at}, d.beside); err != nil {
				d.beside = nil
				return false, err
			}
		}
	}
	if !d.beside.has(k) {
		return false, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.strays, k)
	return true, nil
}

// forgetStrays lets go of those of a draft whose manifest tells of them now.
func (e *export) forgetStrays(d *draft) {
	if d.strays == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for k := range d.fresh {
		delete(e.strays, k)
	}
	e.decided++
}

// count adds what a query took.
func (e *export) count(s anypoint.Stats, total int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.receipt.Pages += s.Pages
	e.receipt.APITotal += total
	e.bytesIn += s.Bytes
	e.retries += int64(s.Retries)
}

// add counts what a draft brought that was committed.
func (e *export) add(d *draft, out []part) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &e.receipt
	e.in += d.total.in
	for _, p := range out {
		r.Events += p.Events
	}
	r.Duplicates += d.total.known
	r.Rejected += d.reject.count
	r.Late += d.late
	r.Untimed += d.untimed
	r.Unordered += d.parts.unordered
	r.Slices++
	r.Objects = append(r.Objects, objects(out)...)
}

// end closes the organisation's part of the run.
func (e *export) end(ctx context.Context) OrgReceipt {
	if e.dirty {
		e.fail(ctx, e.save(ctx))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.receipt
	r.Done = e.lead()
	if left := gaps(e.done, e.window); len(left) > 0 {
		var span time.Duration
		for _, gap := range left {
			span += gap.To.Sub(gap.From)
		}
		r.Remaining = fmt.Sprintf("%v of %v from %s to %s", span.Round(time.Second), e.window.To.Sub(e.window.From).Round(time.Second),
			left[0].From.Format(time.RFC3339), left[len(left)-1].To.Format(time.RFC3339))
	}
	if e.err != nil {
		r.Error = e.err.Error()
	}
	return r
}
