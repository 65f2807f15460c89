package hec

import (
	"bytes"
	"context"
	"sync/atomic"
)

// Pos is where an event came from. The client carries it and never looks at
// it; what the two numbers mean is the caller's choice.
type Pos struct{ A, B uint64 }

// Batch is a request body in the making: events as JSON objects, one a line.
// It belongs to one goroutine at a time.
type Batch struct {
	pool  *pool
	buf   []byte
	ends  []int // ends[i] is where event i ends in buf, its line end included
	pos   []Pos
	wire  bytes.Buffer // what goes out, if compressed
	owned bool
}

// Append adds the event that write appends to dst, a JSON object. If write
// gives dst back no longer than it was, nothing is added.
func (b *Batch) Append(pos Pos, write func(dst []byte) []byte) {
	n := len(b.buf)
	b.buf = write(b.buf)
	if len(b.buf) <= n {
		b.buf = b.buf[:n]
		return
	}
	b.buf = append(b.buf, '\n')
	b.ends = append(b.ends, len(b.buf))
	b.pos = append(b.pos, pos)
}

// Len is the number of events.
func (b *Batch) Len() int { return len(b.ends) }

// Bytes is the body so far, valid until the next Append.
func (b *Batch) Bytes() []byte { return b.buf }

// Full tells whether the batch has reached the client's limit, which may have
// shrunk since the batch was begun.
func (b *Batch) Full() bool { return int64(len(b.buf)) >= b.pool.limit.Load() }

// Event is the text of event i, valid until Release.
func (b *Batch) Event(i int) []byte {
	body := b.slice(span{from: i, to: i + 1})
	return body[:len(body)-1]
}

// Pos is what event i was appended with.
func (b *Batch) Pos(i int) Pos { return b.pos[i] }

// Reset empties the batch for further use.
func (b *Batch) Reset() {
	b.buf, b.ends, b.pos = b.buf[:0], b.ends[:0], b.pos[:0]
	b.wire.Reset()
}

// Release gives the batch back to its client; it must not be used afterwards.
// A second Release does nothing.
func (b *Batch) Release() {
	if b.owned {
		b.owned = false
		b.pool.put(b)
	}
}

func (b *Batch) slice(s span) []byte {
	start := 0
	if s.from > 0 {
		start = b.ends[s.from-1]
	}
	return b.buf[start:b.ends[s.to-1]]
}

// pool hands out a fixed number of batches.
type pool struct {
	slots chan *Batch // nil entries are batches not made yet
	size  int         // BatchBytes
	limit atomic.Int64
}

func newPool(batches, size int) *pool {
	p := &pool{slots: make(chan *Batch, batches), size: size}
	p.limit.Store(int64(size))
	for range batches {
		p.slots <- nil
	}
	return p
}

func (p *pool) get(ctx context.Context) (*Batch, error) {
	select {
	case b := <-p.slots:
		if b == nil {
			b = &Batch{pool: p, buf: make([]byte, 0, p.size+p.size/8)}
		}
		b.owned = true
		return b, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *pool) put(b *Batch) {
	b.Reset()
	if cap(b.buf) > 2*p.size || b.wire.Cap() > 2*p.size {
		b = nil // one huge event must not swell the pool for good
	}
	p.slots <- b
}

// shrink lowers the limit after a body of n bytes was too large.
func (p *pool) shrink(n int) {
	const least = 1024
	for {
		old := p.limit.Load()
		next := max(least, int64(n/2))
		if next >= old || p.limit.CompareAndSwap(old, next) {
			return
		}
	}
}
