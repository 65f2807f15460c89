package slshec

import (
	"sync"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// counts is what became of logs: in = out + filtered + quarantined.
type counts struct {
	in, out, filtered, quarantined int64
	invalid                        int64 // bytes that were not UTF-8
	bytesIn, bytesOut              int64 // LogGroups and events, both uncompressed
}

func (c *counts) add(o counts) {
	c.in += o.in
	c.out += o.out
	c.filtered += o.filtered
	c.quarantined += o.quarantined
	c.invalid += o.invalid
	c.bytesIn += o.bytesIn
	c.bytesOut += o.bytesOut
}

// ledger counts what was settled, page by page, so that a row of a receipt
// says what lies before its checkpoint and nothing else: rows of one run after
// the other then add up to what the shard holds.
type ledger struct {
	mu     sync.Mutex
	shards map[int]*account
	rows   []row
}

// account is one shard's, while this consumer holds it. Pages wait in it until
// a checkpoint covers them.
type account struct {
	open     bool
	earlier  bool   // the shard was held before in this run
	from, to string // cursors of what is counted
	waiting  []settledPage
}

type settledPage struct {
	next string
	counts
}

// row is a stretch of a shard, counted.
type row struct {
	status   sls.ShardStatus
	from, to string
	counts
	again int64 // events delivered that no checkpoint covers
}

func newLedger() *ledger { return &ledger{shards: map[int]*account{}} }

// assign begins a shard's account.
func (l *ledger) assign(shard int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.shards[shard]
	l.shards[shard] = &account{open: true, earlier: a != nil}
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

// note adds a row for what the shard's checkpoint covers that no row does yet.
func (l *ledger) note(s sls.ShardStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.shards[s.Shard]; a != nil && a.open {
		l.rows = append(l.rows, a.cover(s))
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
	l.rows = append(l.rows, r)
	a.open, a.waiting = false, nil
}

func (a *account) cover(s sls.ShardStatus) row {
	if !a.earlier && (a.from == "" || s.Start != "" && !before(a.from, s.Start)) {
		// The reading began before the first page that held anything.
		a.from, a.to = s.Start, s.Start
	}
	r := row{status: s, from: a.from}
	rest := a.waiting[:0]
	for _, p := range a.waiting {
		if before(p.next, s.Checkpoint) {
			r.add(p.counts)
		} else {
			rest = append(rest, p)
		}
	}
	a.waiting = rest
	if s.Checkpoint != "" {
		a.to = s.Checkpoint
	}
	r.to = a.to
	a.from, a.earlier = a.to, true
	return r
}

// take returns the rows so far.
func (l *ledger) take() []row {
	l.mu.Lock()
	defer l.mu.Unlock()
	rows := l.rows
	l.rows = nil
	return rows
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
