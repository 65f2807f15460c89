package hec

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// pool bounds memory twice: by the batches handed out, and by those of them
// that hold their events uncompressed.
type pool struct {
	out   chan struct{} // a token for each batch handed out
	spare chan *memory  // nil entries are memory not made yet
	size  int           // BatchBytes
	zip   bool          // batches are packed
	limit atomic.Int64

	packers sync.Pool // of what is packed outside of spare
}

func newPool(out, spare, size int, zip bool) *pool {
	p := &pool{out: make(chan struct{}, out), spare: make(chan *memory, spare), size: size, zip: zip}
	p.packers.New = func() any { return newPacker() }
	p.limit.Store(int64(size))
	for range spare {
		p.spare <- nil
	}
	return p
}

func (p *pool) get(ctx context.Context) (*Batch, error) {
	select {
	case p.out <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case m := <-p.spare:
		if m == nil {
			m = p.make()
		}
		return &Batch{pool: p, memory: m, home: m}, nil
	case <-ctx.Done():
		<-p.out
		return nil, context.Cause(ctx)
	}
}

func (p *pool) make() *memory {
	m := &memory{buf: make([]byte, 0, p.size+p.size/8)}
	if p.zip {
		m.zip = p.packer()
	}
	return m
}

// packer returns one that is ready.
func (p *pool) packer() packer {
	z := p.packers.Get().(packer) //nolint:forcetypeassert // see newPool
	z.Reset()
	return z
}

func (p *pool) put(m *memory) {
	if cap(m.buf) > 2*p.size {
		m = nil // one huge event must not swell the pool for good
	} else {
		m.reset()
	}
	p.spare <- m
}

// park keeps only the packed form of a batch, and gives the rest back: with
// acknowledgement, most batches outside the pool only wait, for seconds, and
// will never be looked at again.
func (b *Batch) park() {
	if b.home == nil {
		return
	}
	b.memory = &memory{ends: slices.Clone(b.ends), pos: slices.Clone(b.pos), packed: bytes.Clone(b.whole())}
	b.parked = true
	b.pool.put(b.home)
	b.home = nil
}

// unpark unpacks a parked batch, into memory of its own: to wait for the pool's
// could wait for oneself.
func (b *Batch) unpark() {
	if !b.parked {
		return
	}
	z, err := gzip.NewReader(bytes.NewReader(b.packed))
	if err == nil {
		b.buf = make([]byte, b.Size())
		_, err = io.ReadFull(z, b.buf)
	}
	if err != nil {
		panic(fmt.Sprintf("hec: unpack what was packed in this process: %v", err))
	}
	b.parked = false
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
