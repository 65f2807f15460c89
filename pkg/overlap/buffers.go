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

// take puts back what is in c, which nobody sends to any more.
func (p *Buffers) take(c chan *block) {
	for {
		select {
		case b := <-c:
			p.put(b)
		default:
			return
		}
	}
}
