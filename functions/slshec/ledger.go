package slshec

import (
	"sync"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// counts is what became of logs: in = out + filtered + quarantined.
type counts struct {
	in, out, filtered, quarantined int64
	invalid                        int64 // bytes that were not UTF-8
	notJSON                        int64 // values that were to be JSON and stayed strings
	bytesIn, bytesOut              int64 // LogGroups and events, both uncompressed
}

func (c *counts) add(o counts) {
	c.in += o.in
	c.out += o.out
	c.filtered += o.filtered
	c.quarantined += o.quarantined
	c.invalid += o.invalid
	c.notJSON += o.notJSON
	c.bytesIn += o.bytesIn
	c.bytesOut += o.bytesOut
}

// ledger counts what was settled, page by page, so that a row of a receipt
// says what lies before its checkpoint and nothing else: rows of one run after
// the other then add up to what the shard holds.
type ledger struct {
	mu     sync.Mutex
	shards map[int]*account
	closed sheet
	news   int // announcements so far
}

// sheet is what a receipt is made of.
type sheet struct {
	rows []row
	// announced are stretches beyond the rows, settled, whose checkpoints were
	// about to be saved: that they were is not certain.
	announced []row
}

// row is a stretch of a shard, counted.
type row struct {
	status   sls.ShardStatus
	from, to string
	counts
	again int64 // events delivered that no checkpoint covers
}

// account is one shard's, while this consumer holds it. Pages wait in it until
// a checkpoint covers them.
//
//	from ── counts ── to ── waiting pages ──────────────────
//	                  └ saved for certain   └ announced
type account struct {
	open      bool
	regained  bool // the shard was held before in this run
	begun     bool // from is where the first row begins, or a later one's
	from, to  string
	counts    counts
	announced string // the checkpoint that is being saved, or was
	waiting   []settledPage
	status    sls.ShardStatus // as announced
}

type settledPage struct {
	next string
	counts
}

func newLedger() *ledger { return &ledger{shards: map[int]*account{}} }

// assign begins a shard's account.
func (l *ledger) assign(shard int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.shards[shard]
	l.shards[shard] = &account{open: true, regained: a != nil}
}

// begin hears of each page, in order, before anything of it is settled.
func (l *ledger) begin(shard int, cursor string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.shards[shard]; a.from == "" {
		a.from, a.to = cursor, cursor
	}
}

// settled enters a page that is done with.
func (l *ledger) settled(shard int, p settledPage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.shards[shard]
	a.waiting = append(a.waiting, p)
}

// announce enters a checkpoint that is about to be saved after s.Checkpoint was.
// It returns the announcement's number, or 0 where there is nothing to announce.
func (l *ledger) announce(s sls.ShardStatus, checkpoint string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.shards[s.Shard]
	if a == nil || !a.open {
		return 0
	}
	a.start(s.Start)
	a.advance(s.Checkpoint)
	if before(checkpoint, a.to) {
		return 0
	}
	a.announced, a.status = checkpoint, s
	l.news++
	return l.news
}

// note adds a row for what the shard's checkpoint covers that no row does yet.
func (l *ledger) note(s sls.ShardStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.shards[s.Shard]; a != nil && a.open {
		l.closed.rows = append(l.closed.rows, a.cover(s))
	}
}

// close is note for a shard that is not held any more: what no checkpoint
// covers will be delivered again by whoever has it next.
func (l *ledger) close(s sls.ShardStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.shards[s.Shard]
	if a == nil || !a.open {
		return
	}
	r := a.cover(s)
	for _, p := range a.waiting {
		r.again += p.out
	}
	l.closed.rows = append(l.closed.rows, r)
	l.closed.announced = append(l.closed.announced, a.beyond()...)
	a.open, a.waiting = false, nil
}

// take returns what was noted since it was called last, and what is announced.
func (l *ledger) take() sheet {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.closed
	for _, a := range l.shards {
		s.announced = append(s.announced, a.beyond()...)
	}
	l.closed = sheet{}
	return s
}

// look returns what take would if each shard were noted now, as far as its
// checkpoints are saved for certain, and the number of the last announcement
// that is in it.
func (l *ledger) look() (s sheet, news int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.rows = append(s.rows, l.closed.rows...)
	s.announced = append(s.announced, l.closed.announced...)
	for _, a := range l.shards {
		if a.open && a.from != a.to {
			s.rows = append(s.rows, row{status: a.status, from: a.from, to: a.to, counts: a.counts})
		}
		s.announced = append(s.announced, a.beyond()...)
	}
	return s, l.news
}

// start sets where the account begins, if that is not known yet: where the
// reading began, which may be before the first page that held anything.
func (a *account) start(at string) {
	if a.begun {
		return
	}
	a.begun = true
	if a.from == "" || at != "" && !before(a.from, at) {
		if a.from == a.to {
			a.to = at
		}
		a.from = at
	}
}

// advance counts the pages up to a checkpoint that is saved.
func (a *account) advance(checkpoint string) {
	if checkpoint == "" || before(checkpoint, a.to) {
		return
	}
	rest := a.waiting[:0]
	for _, p := range a.waiting {
		if before(p.next, checkpoint) {
			a.counts.add(p.counts)
		} else {
			rest = append(rest, p)
		}
	}
	a.waiting, a.to = rest, checkpoint
}

// cover ends a row at the shard's checkpoint, and begins the next there.
func (a *account) cover(s sls.ShardStatus) row {
	if a.regained && !a.begun {
		// No checkpoint was saved since, and s may be about the time before.
		return row{status: s, from: s.Checkpoint, to: s.Checkpoint}
	}
	a.start(s.Start)
	a.advance(s.Checkpoint)
	r := row{status: s, from: a.from, to: a.to, counts: a.counts}
	a.from, a.counts = a.to, counts{}
	return r
}

// beyond is the stretch that is announced and not known to be saved, if any.
func (a *account) beyond() []row {
	if !a.open || a.announced == "" || before(a.announced, a.to) {
		return nil
	}
	r := row{status: a.status, from: a.to, to: a.announced}
	for _, p := range a.waiting {
		if before(p.next, a.announced) {
			r.add(p.counts)
		}
	}
	return []row{r}
}

// before tells whether the cursor next is covered by checkpoint.
func before(next, checkpoint string) bool {
	if next == checkpoint {
		return true
	}
	n, ok1 := sls.CursorNumber(next)
	c, ok2 := sls.CursorNumber(checkpoint)
	return ok1 && ok2 && n <= c
}
