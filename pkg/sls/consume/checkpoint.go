package consume

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// ledger keeps the receipt of a run ahead of its checkpoints: one moves only
// when a receipt in STATE_URL says what lies before it. A run killed at any
// moment then leaves no stretch that is passed and not accounted for.
//
// What lies before a checkpoint is what pkg/sls says: each stretch comes with
// the counts of its pages, which they were settled with.
type ledger struct {
	c      *Consumer
	timing *Timing
	sink   Sink  // nil before it has begun
	since  Stats // when the receipt was begun

	mu        sync.Mutex
	sheet           // saved since the receipt was begun
	announced []row // not known to be saved; the last of a shard may be being saved now
	news      int   // announcements so far

	writing sync.Mutex // held while the receipt is written
	r       *Receipt   // nil when the run is over
	kept    int        // number of the last announcement in the kept receipt
}

// sheet is what a receipt takes over.
type sheet struct {
	rows    []row
	again   int64    // logs delivered that no checkpoint covers
	objects []string // in quarantine
}

// row is a stretch of a shard, counted.
type row struct {
	from, to string
	saved    bool // whether its checkpoint is, for certain
	status   sls.ShardStatus
	counts   Counts
}

func rowOf(st sls.Stretch) row {
	return row{from: st.From, to: st.To, status: st.Status, counts: sum(st.Notes)}
}

// sum adds up the counts of pages.
func sum(notes []any) (c Counts) {
	for _, n := range notes {
		c.Add(n.(Counts)) //nolint:forcetypeassert // Page.Settle leaves no other
	}
	return c
}

func newLedger(c *Consumer, r *Receipt) *ledger { return &ledger{c: c, r: r, since: c.stats()} }

// open begins a sink for the run. Nothing is sent after ctx has ended, nor begun
// when stop has ended and there is no time left.
func (l *ledger) open(ctx, stop context.Context) {
	l.timing = newTiming(stop, l.c.grace(), time.Duration(l.c.took.Load()))
	l.sink = l.c.fn.Begin(ctx, l.timing)
}

// shut closes the sink.
func (l *ledger) shut() {
	l.sink.Close()
	l.timing.close()
	l.c.took.Store(int64(l.timing.lasted()))
}

// Process implements [sls.Processor]: the sink takes a page.
func (l *ledger) Process(ctx context.Context, pulled *sls.Page, done sls.Done) error {
	p := newPage(ctx, pulled, done, l)
	c, err := l.sink.Take(ctx, p)
	p.Release()
	p.Settle(c, err)
	return nil
}

const (
	// company is how long an announcement waits for those of other shards, which
	// come at the same time: stores do not take one object many times a second
	// (Cloud Storage: once), and bill each.
	company = 20 * time.Millisecond
	// keepTime bounds the writing of a receipt: deliveries wait for it.
	keepTime = 10 * time.Second
)

// announce keeps a receipt that accounts for a stretch before its checkpoint is
// saved. Shards that announce at the same time share one.
func (l *ledger) announce(ctx context.Context, st sls.Stretch) error {
	number := l.enter(st)
	if !st.Last {
		if err := retry.Sleep(ctx, company); err != nil {
			return err
		}
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.kept >= number {
		return nil
	}
	if l.r == nil {
		return fmt.Errorf("shard %d: a checkpoint after the end of the run", st.Shard)
	}
	r := *l.r
	r.Stretches = slices.Clone(r.Stretches)
	sheet, announced, news := l.look()
	r.add(sheet, announced)
	r.Status, r.FinishedAt = receipt.Running, time.Now().UTC()
	if err := l.c.save(ctx); err != nil {
		return err
	}
	if err := l.keep(ctx, l.c.full(r, l.sink)); err != nil {
		return err
	}
	l.kept = news
	return nil
}

func (l *ledger) keep(ctx context.Context, r receipt.Receipt) error {
	const what = "STATE_URL: a checkpoint moves only after the receipt that accounts for it"
	late := fmt.Errorf("%s: not kept within %v", what, keepTime)
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(keepTime, func() { cancel(late) }).Stop()
	switch err := receipt.Save(within, l.c.state, r); {
	case err == nil:
		return nil
	case ctx.Err() == nil && within.Err() != nil:
		return late
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}

// enter takes note of a stretch that is about to be saved, and numbers it.
func (l *ledger) enter(st sls.Stretch) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.announced = append(l.announced, rowOf(st))
	l.news++
	return l.news
}

// saved hears that the checkpoint of a stretch is saved. Stretches that join
// make one row, but where the shard was lost in between: that a row begins there
// is what disproves the stretch that was announced and not saved.
func (l *ledger) saved(st sls.Stretch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := rowOf(st)
	r.saved, r.status.Checkpoint = true, st.To
	l.announced = slices.DeleteFunc(l.announced, func(a row) bool {
		return a.status.Shard == st.Shard && a.from == st.From && a.to == st.To
	})
	again := slices.ContainsFunc(l.announced, func(a row) bool { return a.status.Shard == st.Shard && a.from == st.From })
	if last := l.last(st.Shard); last != nil && last.to == r.from && !again {
		last.to, last.status = r.to, r.status
		last.counts.Add(r.counts)
		return
	}
	l.rows = append(l.rows, r)
}

// unsaved hears of pages that were delivered and that no checkpoint covers:
// whoever has the shard next delivers them again.
func (l *ledger) unsaved(_ int, notes []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.again += sum(notes).Out
}

// status hears how far a shard is. Where nothing was saved, an empty row says
// so.
func (l *ledger) status(s sls.ShardStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := l.last(s.Shard); last != nil {
		last.status = s
		return
	}
	at := s.Checkpoint
	if at == "" {
		at = s.Start
	}
	l.rows = append(l.rows, row{from: at, to: at, saved: true, status: s})
}

// last is the last row of a shard, if any.
func (l *ledger) last(shard int) *row {
	for i := range slices.Backward(l.rows) {
		if l.rows[i].status.Shard == shard {
			return &l.rows[i]
		}
	}
	return nil
}

// gap enters logs that are gone, which is before a checkpoint passes them: that
// one's announcement then keeps it.
func (l *ledger) gap(g sls.Gap) {
	l.c.rt.Log.Warn("logs were gone before they were read", "shard", g.Shard, "gap", g.String())
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.r != nil {
		l.r.Gaps = append(l.r.Gaps, g.String())
	}
}

// setAside hears of an object that was written to quarantine.
func (l *ledger) setAside(object string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.objects = append(l.objects, object)
}

// take returns what was saved since it was called last, and what is announced.
func (l *ledger) take() (s sheet, announced []row) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, announced = l.sheet, l.announced
	l.sheet, l.announced = sheet{}, nil
	for i, a := range announced {
		later := slices.ContainsFunc(announced[i+1:], func(o row) bool { return o.status.Shard == a.status.Shard })
		if !later { // it may be being saved
			l.announced = append(l.announced, a)
		}
	}
	return s, announced
}

// look is take without the taking, and the number of the last announcement.
func (l *ledger) look() (s sheet, announced []row, news int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return sheet{slices.Clone(l.rows), l.again, slices.Clone(l.objects)}, slices.Clone(l.announced), l.news
}

// turn has the receipt closed by f, while nobody writes it, and goes on with the
// one that f returns; nil ends the run.
func (l *ledger) turn(f func(*Receipt) *Receipt) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.r = f(l.r)
}

// options has a worker report to the ledger.
func (l *ledger) options(o *sls.WorkerOptions) {
	o.Announce, o.OnSaved, o.OnUnsaved, o.OnGap = l.announce, l.saved, l.unsaved, l.gap
}

// settle puts what the ledger has into the receipt, which nobody else writes.
func (l *ledger) settle(ctx context.Context, r *Receipt) {
	sheet, announced := l.take()
	r.add(sheet, announced)
	l.c.lag(ctx, r, sheet.rows)
	l.c.measured(r, l.since)
}
