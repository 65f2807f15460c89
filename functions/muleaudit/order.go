package muleaudit

import (
	"container/heap"
	"time"
)

// What the API may be out of order by, and yet be put in order: entries wait
// until none can come that belongs before them.
const (
	maxDisorder = 30 * time.Second
	maxWaiting  = 4 << 20 // bytes
)

// waiting is an entry that is not written yet.
type waiting struct {
	ms  int64 // that of the entry before, where it has none
	seq int   // in order of arrival
	raw []byte
	to  *draft
}

// order puts the entries of a walk in order of time, and those of one time in
// order of arrival.
type order struct {
	entries []waiting
	bytes   int
	seq     int
	newest  int64
	room    []byte // what entries are copied to, a piece at a time
	write   func(waiting) error
}

// Len, Less, Swap, Push and Pop are for package heap.
func (o *order) Len() int { return len(o.entries) }

func (o *order) Less(i, j int) bool {
	a, b := &o.entries[i], &o.entries[j]
	return a.ms < b.ms || a.ms == b.ms && a.seq < b.seq
}
func (o *order) Swap(i, j int) { o.entries[i], o.entries[j] = o.entries[j], o.entries[i] }
func (o *order) Push(e any)    { o.entries = append(o.entries, e.(waiting)) } //nolint:forcetypeassert // by heap alone
func (o *order) Pop() any {
	last := len(o.entries) - 1
	e := o.entries[last]
	o.entries[last] = waiting{}
	o.entries = o.entries[:last]
	return e
}

// add takes a copy of an entry, and writes those whose turn has come.
func (o *order) add(raw []byte, ms int64, to *draft) error {
	o.seq++
	o.bytes += len(raw)
	heap.Push(o, waiting{ms, o.seq, o.copy(raw), to})
	return o.passed(ms)
}

// passed writes what no entry can come before any more, now that the API has come
// to the time ms.
func (o *order) passed(ms int64) error {
	o.newest = max(o.newest, ms)
	return o.release(func(e waiting) bool {
		return o.bytes > maxWaiting || e.ms <= o.newest-maxDisorder.Milliseconds()
	})
}

// copy copies to room that many entries share, since each for itself would be
// the garbage collector's main work.
func (o *order) copy(raw []byte) []byte {
	if cap(o.room)-len(o.room) < len(raw) {
		o.room = make([]byte, 0, max(64<<10, len(raw)))
	}
	start := len(o.room)
	o.room = append(o.room, raw...)
	return o.room[start:len(o.room):len(o.room)]
}

// flush writes all that wait.
func (o *order) flush() error { return o.release(func(waiting) bool { return true }) }

func (o *order) release(due func(waiting) bool) error {
	for len(o.entries) > 0 && due(o.entries[0]) {
		e := heap.Pop(o).(waiting) //nolint:forcetypeassert // the type of all of them
		o.bytes -= len(e.raw)
		if err := o.write(e); err != nil {
			return err
		}
	}
	return nil
}
