package overlap

import "io"

// Writer writes behind. Its goroutine owns the writer below from the first Write
// that finds a megabyte gone by, until [Writer.Close] or [Writer.Drop] has
// returned.
type Writer struct {
	w       io.Writer
	buffers *Buffers
	left    int // bytes to write without the goroutine

	full, free   chan *block // nil before it starts
	failed, done chan struct{}
	err          error  // of w: set before failed is closed
	block        *block // being filled
}

// NewWriter returns a writer to w.
func NewWriter(w io.Writer, b *Buffers) *Writer {
	return &Writer{w: w, buffers: b, left: alone}
}

// Write implements [io.Writer]. Its error may be that of what was written
// earlier.
func (b *Writer) Write(p []byte) (int, error) {
	if b.left > 0 {
		b.left -= len(p)
		return b.w.Write(p)
	}
	if b.full == nil {
		b.start()
	}
	n := 0
	for n < len(p) {
		if len(b.block.buf) == cap(b.block.buf) {
			select {
			case <-b.failed:
				return n, b.err
			case next := <-b.free:
				b.full <- b.block // there is room for all
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
	b.full, b.free = make(chan *block, depth), make(chan *block, depth)
	b.failed, b.done = make(chan struct{}), make(chan struct{})
	for range depth - 1 {
		b.free <- b.buffers.get()
	}
	b.block = b.buffers.get()
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
		b.free <- next // there is room for all
	}
}

// Close writes what is left, ends the goroutine and returns the first error of
// the writer below, which it does not close.
func (b *Writer) Close() error {
	if b.full == nil {
		return nil
	}
	b.full <- b.block // there is room for all
	b.end()
	return b.err
}

// Drop ends the goroutine without writing more than what is being written. After
// Close it does nothing.
func (b *Writer) Drop() {
	if b.full == nil {
		return
	}
	b.buffers.put(b.block)
	b.buffers.take(b.full)
	b.end()
}

func (b *Writer) end() {
	close(b.full)
	<-b.done
	b.buffers.take(b.free)
	b.full, b.free, b.block = nil, nil, nil
}
