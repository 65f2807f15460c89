package deflate

import (
	"math/bits"

	"github.com/siemfeed/siemfeed/pkg/unaligned"
)

// code is how a symbol is written: its bits, first one lowest, above their
// number in the lowest five bits.
type code uint32

func newCode(bits, n uint) code { return code(bits<<5 | n) } //nolint:gosec // at most 20 bits
func (c code) bits() uint       { return uint(c >> 5) }
func (c code) len() uint        { return uint(c & 31) }

// none is a literal that is written as nothing.
const none = 511

// codes are those of a block.
type codes struct {
	lits    [512]code // of literals, the end and lengths; from numLits on nothing
	dists   [32]code
	lengths [256]code // of a length less 3, extra bits included

	litFreq  [numLits]uint32
	distFreq [32]uint32
}

var (
	lengthBase   [29]uint16
	lengthExtra  = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	lengthSymbol [256]uint8 // of a length less 3
	distBase     [32]uint16
	distExtra    = [32]uint8{4: 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

func init() {
	n := uint16(3)
	for s := range lengthBase {
		if s == len(lengthBase)-1 {
			n = maxMatch // has a symbol of its own, and the one before a length less
		}
		lengthBase[s] = n
		for range 1 << lengthExtra[s] {
			if n <= maxMatch {
				lengthSymbol[n-3] = uint8(s)
			}
			n++
		}
	}
	n = 1
	for s := range numDists {
		distBase[s] = n
		n += 1 << distExtra[s]
	}
}

// count counts the symbols that seqs take, roughly: to count literals four at a
// time, beyond the end of a run too, makes no worse code and halves the time.
func (c *codes) count(part []byte, seqs []seq) {
	clear(c.litFreq[:])
	clear(c.distFreq[:])
	i := 0
	for k := range seqs {
		q := &seqs[k]
		end := i + int(q.lits)
		for ; i < end && i+4 <= len(part); i += 4 {
			x := unaligned.Load32(part, i)
			c.litFreq[x&255]++
			c.litFreq[x>>8&255]++
			c.litFreq[x>>16&255]++
			c.litFreq[x>>24]++
		}
		for ; i < end; i++ {
			c.litFreq[part[i]]++
		}
		i = end + int(q.length)
		if q.length > 0 {
			c.litFreq[257+int(lengthSymbol[(q.length-3)&255])]++
			c.distFreq[distSymbol(q.dist)&31]++
		}
	}
	c.litFreq[endOfBlock] = 1
}

// widen gives every symbol a code, for what comes after the sample.
func widen(freq []uint32) {
	for i := range freq {
		freq[i] = 16*freq[i] + 1
	}
}

// make makes codes of the counts.
func (c *codes) make() {
	build(c.lits[:numLits], c.litFreq[:], maxBits)
	build(c.dists[:numDists], c.distFreq[:numDists], maxBits)
	for l := range c.lengths {
		s := lengthSymbol[l]
		x := c.lits[257+int(s)]
		c.lengths[l] = newCode(x.bits()|uint(l+3-int(lengthBase[s]))<<x.len(), x.len()+uint(lengthExtra[s]))
	}
}

// assign gives codes their bits by their lengths (RFC 1951 §3.2.2).
func assign(codes []code, counts []int) {
	var next [maxBits + 1]uint
	for n := 1; n < len(counts); n++ {
		next[n] = (next[n-1] + uint(counts[n-1])) << 1
	}
	for i, c := range codes {
		if n := c.len(); n > 0 {
			codes[i] = newCode(uint(bits.Reverse16(uint16(next[n]))>>(16-n)), n)
			next[n]++
		}
	}
}
