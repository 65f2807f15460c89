package overlap

import "io"

// Reader reads ahead. Its goroutine owns the reader below from the first Read
// that finds a megabyte gone by, until [Reader.Stop] has returned.
type Reader struct {
	r    io.Reader
	left int // bytes to read without the goroutine

	ring       // opened when the goroutine starts; in hand is the block being used
	pos        int
	quit, done chan struct{}
}

// Reset makes a of the zero value, or of one that was stopped, a reader of r.
func (a *Reader) Reset(r io.Reader, b *Buffers) {
	*a = Reader{r: r, ring: ring{buffers: b}, left: alone}
}

// Read implements [io.Reader].
func (a *Reader) Read(p []byte) (int, error) {
	if a.left > 0 {
		n, err := a.r.Read(p)
		a.left -= n
		return n, err
	}
	if !a.opened() {
		a.start()
	}
	for a.pos == len(a.block.buf) {
		if a.block.err != nil {
			return 0, a.block.err
		}
		a.free <- a.block
		a.block, a.pos = <-a.full, 0
	}
	n := copy(p, a.block.buf[a.pos:])
	a.pos += n
	return n, nil
}

func (a *Reader) start() {
	a.open()
	a.quit, a.done = make(chan struct{}), make(chan struct{})
	go a.run()
}

func (a *Reader) run() {
	defer close(a.done)
	for {
		select {
		case <-a.quit:
			return
		case b := <-a.free:
			a.fill(b)
			a.full <- b
			if b.err != nil {
				return
			}
		}
	}
}

// fill fills a block, to its end unless r ends or nobody waits any more.
func (a *Reader) fill(b *block) {
	b.buf = b.buf[:0]
	for b.err == nil && len(b.buf) < cap(b.buf) {
		select {
		case <-a.quit:
			return
		default:
		}
		var n int
		n, b.err = a.r.Read(b.buf[len(b.buf):cap(b.buf)])
		b.buf = b.buf[:len(b.buf)+n]
	}
}

// Stop ends the goroutine. Unless all was read, a Read of the reader below may
// be under way, and hang: interrupt has to make it return. It may be nil.
func (a *Reader) Stop(interrupt func()) {
	if a.opened() {
		close(a.quit)
		if interrupt != nil && a.block.err == nil {
			interrupt()
		}
		<-a.done
		a.close()
	}
	*a = Reader{}
}
