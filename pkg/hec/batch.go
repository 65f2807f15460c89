package hec

// Pos is where an event came from. The client carries it and never looks at
// it; what the two numbers mean is the caller's choice.
type Pos struct{ A, B uint64 }

// Batch is a request body in the making: events as JSON objects, one a line.
// It belongs to one goroutine at a time.
type Batch struct {
	pool *pool
	*memory
	home   *memory // memory on loan from the pool, if it still is
	parked bool    // buf is empty and packed holds all of it
}

// memory is what makes a batch large, and goes round in the pool.
type memory struct {
	buf  []byte
	ends []int // ends[i] is where event i ends in buf, its line end included
	pos  []Pos

	// zip follows buf as it grows, packed is what it made in the end; both are
	// nil without compression.
	zip    packer
	packed []byte
}

func (m *memory) reset() {
	m.buf, m.ends, m.pos = m.buf[:0], m.ends[:0], m.pos[:0]
	m.repack()
}

// repack forgets what was packed.
func (m *memory) repack() {
	m.packed = nil
	if m.zip != nil {
		m.zip.Reset()
	}
}

// Append adds the event that write appends to dst, a JSON object. If write
// gives dst back no longer than it was, nothing is added.
func (b *Batch) Append(pos Pos, write func(dst []byte) []byte) {
	b.unpark()
	if b.packed != nil {
		b.repack()
	}
	n := len(b.buf)
	b.buf = write(b.buf)
	if len(b.buf) <= n {
		b.buf = b.buf[:n]
		return
	}
	b.buf = append(b.buf, '\n')
	b.ends = append(b.ends, len(b.buf))
	b.pos = append(b.pos, pos)
	if b.zip != nil {
		b.zip.Grow(b.buf)
	}
}

// Hint says, while an event is written to dst, where it probably reads like
// what was written to dst before. It makes compression quicker, and does nothing
// without it.
func (b *Batch) Hint(hints []Hint) {
	if b.zip != nil {
		b.zip.Hint(hints)
	}
}

// whole returns all of the body, packed, as valid as Bytes.
func (b *Batch) whole() []byte {
	if b.packed == nil {
		if b.zip == nil {
			b.zip = b.pool.packer()
		}
		b.packed = b.zip.Finish(b.buf)
	}
	return b.packed
}

// Len is the number of events.
func (b *Batch) Len() int { return len(b.ends) }

// Size is the length of the body so far, in bytes before compression.
func (b *Batch) Size() int { return b.size(span{to: b.Len()}) }

// Bytes is the body so far, valid until the next Append.
func (b *Batch) Bytes() []byte {
	b.unpark()
	return b.buf
}

// Full tells whether the batch has reached the client's limit, which may have
// shrunk since the batch was begun.
func (b *Batch) Full() bool { return int64(b.Size()) >= b.pool.limit.Load() }

// Event is the text of event i, valid until Release.
func (b *Batch) Event(i int) []byte {
	body := b.slice(span{from: i, to: i + 1})
	return body[:len(body)-1]
}

// Pos is what event i was appended with.
func (b *Batch) Pos(i int) Pos { return b.pos[i] }

// Reset empties the batch for further use.
func (b *Batch) Reset() {
	b.reset()
	b.parked = false
}

// Release gives the batch back to its client; it must not be used afterwards.
// A second Release does nothing.
func (b *Batch) Release() {
	if b.memory == nil {
		return
	}
	b.memory, b.parked = nil, false
	if b.home != nil {
		b.pool.put(b.home)
		b.home = nil
	}
	<-b.pool.out
}

// start is where the body of s begins.
func (b *Batch) start(s span) int {
	if s.from == 0 {
		return 0
	}
	return b.ends[s.from-1]
}

func (b *Batch) size(s span) int {
	if s.to == 0 {
		return 0
	}
	return b.ends[s.to-1] - b.start(s)
}

func (b *Batch) slice(s span) []byte {
	b.unpark()
	return b.buf[b.start(s):b.ends[s.to-1]]
}
