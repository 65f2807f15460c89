package overlap

import "io"

// Writer writes behind. Its goroutine owns the writer below from the first Write
// that finds a megabyte gone by, until [Writer.Close] or [Writer.Drop] has
// returned.
type Writer struct {
	w    io.Writer
	left int // bytes to write without the goroutine

	ring         // opened when the goroutine starts; in hand is the block being filled
	failed, done chan struct{}
	err          error // of w: set before failed is closed
}

// NewWriter returns a writer to w.
func NewWriter(w io.Writer, b *Buffers) *Writer {
	return &Writer{w: w, ring: ring{buffers: b}, left: alone}
}

// Write implements [io.Writer]. Its error may be that of what was written
// earlier.
func (b *Writer) Write(p []byte) (int, error) {
	if b.left > 0 {
		b.left -= len(p)
		return b.w.Write(p)
	}
	if !b.opened() {
		b.start()
	}
	n := 0
	for n < len(p) {
		if len(b.block.buf) == cap(b.block.buf) {
			select {
			case <-b.failed:
				return n, b.err
			case next := <-b.free:
				b.full <- b.block
				b.block = next
			}
		}
		old := len(b.block.buf)
		b.block.buf = b.block.buf[:min(old+len(p)-n, cap(b.block.buf))]
		n += copy(b.block.buf[old:], p[n:])
	}
	return n, nil
}

func (b *Writer) start() {
	b.open()
	b.failed, b.done = make(chan struct{}), make(chan struct{})
	go b.run()
}

func (b *Writer) run() {
	defer close(b.done)
	for next := range b.full {
		if b.err == nil {
			var n int
			if n, b.err = b.w.Write(next.buf); b.err == nil && n < len(next.buf) {
				b.err = io.ErrShortWrite
			}
			if b.err != nil {
				close(b.failed)
			}
		}
		next.buf = next.buf[:0]
		b.free <- next
	}
}

// Close writes what is left, ends the goroutine and returns the first error of
// the writer below, which it does not close.
func (b *Writer) Close() error {
	if !b.opened() {
		return nil
	}
	b.full <- b.block
	b.block = nil
	b.end()
	return b.err
}

// Drop ends the goroutine without writing more than what is being written. After
// Close it does nothing.
func (b *Writer) Drop() {
	if !b.opened() {
		return
	}
	b.buffers.take(b.full)
	b.end()
}

func (b *Writer) end() {
	close(b.full)
	<-b.done
	b.ring.close()
}
