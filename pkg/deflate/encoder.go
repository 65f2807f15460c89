package deflate

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	// sample is how many bytes of a body a code is made from, block how many
	// it serves at most, chunk how many are packed before it is judged again.
	sample = 64 << 10
	block  = 1 << 20
	chunk  = 8 << 10 // fits the first-level cache, with what is made of it

	// ahead is how much of the body must be there beyond what is packed, so
	// that few matches end where the body ends only for now.
	ahead = 512
)

// Hint says that body[At:] probably begins like body[From:], nearer than 32 KiB
// before.
type Hint struct{ At, From uint32 }

// Encoder packs one body after the other, each begun by Reset. It takes about
// 160 KiB and belongs to one goroutine at a time.
type Encoder struct {
	matcher
	writer
	hints  []Hint
	packed int // bytes of the body that are
	crc    uint32
	served int // bytes that the open block holds, 0 if none is open
	usual  int // bits that 256 bytes of it took in the sample
}

// Reset begins a new body.
func (e *Encoder) Reset() {
	e.matcher.reset()
	e.writer.reset()
	e.hints = e.hints[:0]
	e.packed, e.crc, e.served = 0, 0, 0
}

// Hint adds hints about bytes not yet handed over, in the order of At.
func (e *Encoder) Hint(hints []Hint) { e.hints = append(e.hints, hints...) }

// Grow hands over the body so far. Of that, what was handed over before must not
// have changed. The encoder keeps no reference to it.
func (e *Encoder) Grow(body []byte) {
	for len(body)-e.packed >= e.portion()+ahead {
		e.pack(body, e.packed+e.portion(), true)
	}
}

// portion is how much to pack next.
func (e *Encoder) portion() int {
	if e.served == 0 {
		return sample
	}
	return chunk
}

// Finish packs what is left of body and returns all of it as a gzip member,
// which is valid until Reset. It must not be called twice for one body.
func (e *Encoder) Finish(body []byte) []byte {
	e.Grow(body)
	for e.packed < len(body) {
		to := min(e.packed+e.portion(), len(body))
		e.pack(body, to, to < len(body))
	}
	e.endBlock()
	e.writer.end()
	e.out = binary.LittleEndian.AppendUint32(e.out, e.crc)
	e.out = binary.LittleEndian.AppendUint32(e.out, uint32(len(body))) //nolint:gosec // modulo 2³², says the format
	return e.out
}

// pack packs body up to to, or a little further where the last match goes on.
// more is set if anything may follow.
func (e *Encoder) pack(body []byte, to int, more bool) {
	from := e.packed
	used := 0
	e.packed, used = e.parse(body, from, to, e.hints)
	e.hints = e.hints[:copy(e.hints, e.hints[used:])]
	part := body[from:e.packed]
	e.crc = crc32.Update(e.crc, crc32.IEEETable, part)
	// At most 15 bits a literal and 48 for four bytes and more that are copied;
	// of what goes on beyond to, 254 bytes or more in 48 bits.
	e.room(2*(to-from) + len(part)/32 + maxHeader)
	learn := e.served == 0
	if learn {
		e.begin(part, e.seqs, more)
	}
	before := e.bits()
	e.emit(part, e.seqs)
	e.served += len(part)
	rate := (e.bits() - before) << 8 / len(part)
	switch {
	case learn:
		e.usual = rate
	case e.served >= block || rate > e.usual*3/2:
		e.endBlock() // the next part is another sample
	}
}

func (e *Encoder) endBlock() {
	if e.served > 0 {
		e.put(e.lits[endOfBlock])
		e.served = 0
	}
}
