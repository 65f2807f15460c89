package consume

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// ledger is the receipt of a run, which is kept ahead of its checkpoints: one
// moves only when a receipt in STATE_URL says what lies before it. A run killed
// at any moment then leaves no stretch that is passed and not accounted for.
//
// What lies before a checkpoint is what pkg/sls says: each stretch comes with
// the counts of its pages, which they were settled with.
type ledger struct {
	c      *Consumer
	timing *Timing
	sink   Sink  // nil before it has begun
	since  Stats // when the receipt was begun

	mu        sync.Mutex
	entries                    // since the receipt was begun
	announced []Stretch        // not known to be saved; the last of a shard may be being saved now
	number    int              // of announcements so far
	found     []sls.Checkpoint // as the run began; nil once that was looked at

	writing sync.Mutex // held while the receipt is written
	r       *Receipt   // nil when the run is over
	kept    int        // number of the last announcement in the kept receipt
}

// entries are what is entered into a receipt.
type entries struct {
	stretches []Stretch // saved
	again     int64     // logs delivered that no checkpoint covers
	objects   []string  // in quarantine
	omitted   int64     // objects for which there was no room
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

// Hold says that something of the page is under way, until [Page.Settle].
func (p *Page) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open++
}

// Settle ends a hold. c is what became of the logs it was for, err why it will
// never be known. The last one confirms the page, with all its counts.
func (p *Page) Settle(c Counts, err error) {
	p.mu.Lock()
	p.counts.Add(c)
	if p.err == nil {
		p.err = err
	}
	p.open--
	last := p.open == 0
	p.mu.Unlock()
	if last {
		if p.err == nil {
			progress.Add(p.ctx, p.counts.In)
		}
		p.done(p.counts, p.err)
	}
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
	mine := l.expect(st)
	if !st.Last {
		if err := retry.Sleep(ctx, company); err != nil {
			return err
		}
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.kept >= mine {
		return nil
	}
	if l.r == nil {
		return fmt.Errorf("shard %d: a checkpoint after the end of the run", st.Shard)
	}
	r := *l.r
	r.Stretches = slices.Clone(r.Stretches)
	entries, announced, number := l.look()
	r.add(entries, announced)
	r.Status, r.FinishedAt = receipt.Running, time.Now().UTC()
	l.r.Kept = true // also if the answer is lost
	if err := l.keep(ctx, l.c.full(r, l.sink)); err != nil {
		return err
	}
	l.kept = number
	return nil
}

// keep keeps the receipt, and before it what the function has learned.
func (l *ledger) keep(ctx context.Context, r receipt.Receipt) error {
	const what = "STATE_URL: a checkpoint moves only after the receipt that accounts for it"
	late := fmt.Errorf("%s: not kept within %v", what, keepTime)
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(keepTime, func() { cancel(late) }).Stop()
	err := l.c.save(within)
	if err == nil {
		err = receipt.Save(within, l.c.state, r)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() == nil && within.Err() != nil:
		return late
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}

// expect takes note of a stretch that is about to be saved, and numbers it.
func (l *ledger) expect(st sls.Stretch) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.announced = append(l.announced, newStretch(st))
	l.number++
	return l.number
}

// saved hears that the checkpoint of a stretch is saved. Stretches that join
// make one, but where the shard was lost in between: that one begins there is
// what disproves the stretch that was announced and not saved.
func (l *ledger) saved(st sls.Stretch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := newStretch(st)
	s.Saved, s.status.Checkpoint = true, st.To
	l.announced = slices.DeleteFunc(l.announced, func(a Stretch) bool {
		return a.Shard == s.Shard && a.From == s.From && a.To == s.To
	})
	again := slices.ContainsFunc(l.announced, func(a Stretch) bool { return a.Shard == s.Shard && a.From == s.From })
	if last := l.last(s.Shard); last != nil && last.To == s.From && !again {
		last.To, last.status = s.To, s.status
		last.counts.Add(s.counts)
		return
	}
	l.stretches = append(l.stretches, s)
}

// unsaved hears of pages that were delivered and that no checkpoint covers:
// whoever has the shard next delivers them again.
func (l *ledger) unsaved(_ int, notes []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.again += sum(notes).Out
}

// status hears how far a shard is. Where nothing was saved, an empty stretch says
// so.
func (l *ledger) status(s sls.ShardStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := l.last(s.Shard); last != nil {
		last.status = s
		return
	}
	at := cmp.Or(s.Checkpoint, s.Start)
	l.stretches = append(l.stretches, Stretch{Shard: s.Shard, From: at, To: at, Saved: true, status: s})
}

// last is the last saved stretch of a shard, if any.
func (l *ledger) last(shard int) *Stretch {
	for i := range slices.Backward(l.stretches) {
		if l.stretches[i].Shard == shard {
			return &l.stretches[i]
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
	l.objects, l.omitted = listed(l.objects, l.omitted, object)
}

// take returns what was entered since it was called last, and what is announced.
func (l *ledger) take() (e entries, announced []Stretch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, announced = l.entries, l.announced
	l.entries, l.announced = entries{}, nil
	for i, a := range announced {
		later := slices.ContainsFunc(announced[i+1:], func(o Stretch) bool { return o.Shard == a.Shard })
		if !later { // it may be being saved
			l.announced = append(l.announced, a)
		}
	}
	return e, announced
}

// look is take without the taking, and the number of the last announcement.
func (l *ledger) look() (e entries, announced []Stretch, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e = l.entries
	e.stretches, e.objects = slices.Clone(e.stretches), slices.Clone(e.objects)
	return e, slices.Clone(l.announced), l.number
}

// fill puts what was entered into the receipt, which nobody else writes.
func (l *ledger) fill(ctx context.Context, r *Receipt) {
	begin := len(r.Stretches)
	r.add(l.take())
	l.ask(ctx, r, begin)
	l.c.measured(r, l.since)
}

// replace has the receipt closed by f, while nobody writes it, and goes on with
// the one that f returns; nil ends the run.
func (l *ledger) replace(f func(*Receipt) *Receipt) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.r = f(l.r)
}

// options has a worker report to the ledger.
func (l *ledger) options(o *sls.WorkerOptions) {
	o.Announce, o.OnSaved, o.OnUnsaved, o.OnGap, o.OnFound = l.announce, l.saved, l.unsaved, l.gap, l.hear
}
