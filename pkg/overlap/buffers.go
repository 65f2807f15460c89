package overlap

import "sync"

const (
	// alone is how much of a stream passes before a goroutine joins in: most
	// objects end before it would pay.
	alone = 1 << 20

	// A block is what one goroutine hands to another, and depth how many there
	// are between two. Larger ones fall out of the cache of the core that has
	// to read them, smaller ones are handed over too often.
	blockSize = 128 << 10
	depth     = 4
)

// Buffers are those of past streams, to be used again. The zero value is ready.
type Buffers struct{ pool sync.Pool }

// block is a piece of a stream.
type block struct {
	buf []byte
	err error // why none follows
}

func (p *Buffers) get() *block {
	if b, ok := p.pool.Get().(*block); ok {
		return b
	}
	return &block{buf: make([]byte, 0, blockSize)}
}

func (p *Buffers) put(b *block) {
	b.buf, b.err = b.buf[:0], nil
	p.pool.Put(b)
}

// ring is the blocks that go round between two goroutines: full ones to the one
// that empties them, free ones back. Each of the two has one in hand besides.
type ring struct {
	buffers    *Buffers
	full, free chan *block // nil before it is opened; there is room for all in either
	block      *block      // in the caller's hand
}

func (r *ring) opened() bool { return r.full != nil }

// open fetches the blocks: what is not in the caller's hand is free.
func (r *ring) open() {
	r.full, r.free = make(chan *block, depth), make(chan *block, depth)
	for range depth - 1 {
		r.free <- r.buffers.get()
	}
	r.block = r.buffers.get()
}

// close puts all blocks back, once the other goroutine is gone.
func (r *ring) close() {
	if r.block != nil {
		r.buffers.put(r.block)
	}
	r.buffers.take(r.full)
	r.buffers.take(r.free)
	*r = ring{buffers: r.buffers}
}

// take puts back what is in c, which may be closed and which nobody sends to any
// more.
func (p *Buffers) take(c chan *block) {
	for {
		select {
		case b, ok := <-c:
			if !ok {
				return
			}
			p.put(b)
		default:
			return
		}
	}
}
