package deflate

import (
	"math/bits"
	"slices"

	"github.com/siemfeed/siemfeed/pkg/unaligned"
)

// Symbols of the format: literals, the end of a block, lengths; distances.
const (
	endOfBlock = 256
	numLits    = 286
	numDists   = 30
)

// maxHeader is more than what begins a block takes, in bytes, and a word that is
// written beyond the end.
const maxHeader = 512

// writer appends bits.
type writer struct {
	out []byte
	acc uint64 // the lowest n bits are not in out yet, n < 8
	n   uint

	codes
}

func (w *writer) reset() {
	// No name, no time, packed fast, on an unknown system.
	w.out = append(w.out[:0], 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255)
	w.acc, w.n = 0, 0
}

func (w *writer) room(n int) { w.out = slices.Grow(w.out, n) }

// bits is how many have been written.
func (w *writer) bits() int { return 8*len(w.out) + int(w.n) }

func (w *writer) put(c code) { w.putBits(c.bits(), c.len()) }

func (w *writer) putBits(v, n uint) {
	w.acc |= uint64(v) << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.acc))
		w.acc >>= 8
	}
}

// end writes an empty last block, since no other knows that it is the last, and
// fills up the byte.
func (w *writer) end() {
	const last, fixed = 1, 1
	w.putBits(last|fixed<<1, 3)
	w.putBits(0, 7) // its code for the end of a block
	w.putBits(0, -w.n&7)
}

// emit writes seqs, which part is made of. There must be room.
func (w *writer) emit(part []byte, seqs []seq) {
	out, o := w.out[:cap(w.out)], len(w.out)
	acc, n := w.acc, w.n
	i := 0
	for k := range seqs {
		q := &seqs[k]
		end := i + int(q.lits)
		// Three codes of 15 bits at once, with the bits left over. A run is
		// most often shorter than that; nothing takes its place then, since to
		// branch for each literal costs more than to write it.
		for ; i < end; i += 3 {
			a, b, c := uint(part[i]), uint(none), uint(none)
			if i+1 < end {
				b = uint(part[i+1])
			}
			if i+2 < end {
				c = uint(part[i+2])
			}
			x, y, z := w.lits[a&511], w.lits[b&511], w.lits[c&511]
			acc |= uint64(x.bits()) << (n & 63)
			n += x.len()
			acc |= uint64(y.bits()) << (n & 63)
			n += y.len()
			acc |= uint64(z.bits()) << (n & 63)
			n += z.len()
			unaligned.Store64(out, o, acc)
			o, acc, n = o+int(n>>3), acc>>(n&^7&63), n&7
		}
		i = end + int(q.length)
		if q.length == 0 {
			continue
		}
		// At most 20 bits of length and 28 of distance.
		l := w.lengths[(q.length-3)&255]
		d := distSymbol(q.dist)
		x := w.dists[d&31]
		acc |= uint64(l.bits()) << (n & 63)
		n += l.len()
		acc |= uint64(x.bits()) << (n & 63)
		n += x.len()
		acc |= uint64(q.dist-distBase[d&31]) << (n & 63)
		n += uint(distExtra[d&31])
		unaligned.Store64(out, o, acc)
		o, acc, n = o+int(n>>3), acc>>(n&^7&63), n&7
	}
	w.out, w.acc, w.n = out[:o], acc, n
}

// distSymbol returns the symbol of a distance (RFC 1951 §3.2.5): two for each
// power of two.
func distSymbol(dist uint16) uint {
	d := uint(dist - 1)
	if d < 4 {
		return d
	}
	n := uint(bits.Len(d))
	return 2*(n-1) + d>>(n-2)&1
}
