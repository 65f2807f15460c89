package deflate

// How lengths of codes are packed themselves (RFC 1951 §3.2.7).
const (
	repeatLast  = 16 // three to six times
	repeatZero  = 17 // three to ten times
	repeatZeros = 18 // eleven times or more
	numPacked   = 19
)

var (
	packedOrder = [numPacked]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	packedExtra = [numPacked]uint{repeatLast: 2, repeatZero: 3, repeatZeros: 7}
)

// begin begins a block: it makes codes from seqs, the sample, and writes how
// long they are. wide is set if more than the sample may follow.
func (w *writer) begin(part []byte, seqs []seq, wide bool) {
	w.count(part, seqs)
	if wide {
		widen(w.litFreq[:])
		widen(w.distFreq[:numDists])
	}
	w.make()

	lits, dists := used(w.lits[:numLits], 257), used(w.dists[:numDists], 1)
	var room [numLits + numDists]uint8
	lengths := room[:0]
	for _, list := range [][]code{w.lits[:lits], w.dists[:dists]} {
		for _, c := range list {
			lengths = append(lengths, uint8(c.len())) //nolint:gosec // at most 15
		}
	}
	var space [numLits + numDists]packedLength
	packed := packLengths(space[:0], lengths)
	var freq [numPacked]uint32
	for _, p := range packed {
		freq[p.symbol]++
	}
	var codes [numPacked]code
	build(codes[:], freq[:], 7)
	n := numPacked
	for n > 4 && codes[packedOrder[n-1]] == 0 {
		n--
	}

	const dynamic = 2
	w.putBits(dynamic<<1, 3)
	w.putBits(uint(lits-257), 5)
	w.putBits(uint(dists-1), 5)
	w.putBits(uint(n-4), 4)
	for _, s := range packedOrder[:n] {
		w.putBits(codes[s].len(), 3)
	}
	for _, p := range packed {
		w.put(codes[p.symbol])
		w.putBits(uint(p.extra), packedExtra[p.symbol])
	}
}

// used is how many codes there are up to the last, at least so many.
func used(codes []code, least int) int {
	n := len(codes)
	for n > least && codes[n-1] == 0 {
		n--
	}
	return n
}

// packedLength is a length, or a repeat and how often beyond the least.
type packedLength struct{ symbol, extra uint8 }

// packLengths appends to out what lengths are packed into.
func packLengths(out []packedLength, lengths []uint8) []packedLength {
	for len(lengths) > 0 {
		l := lengths[0]
		run := 1
		for run < len(lengths) && lengths[run] == l {
			run++
		}
		lengths = lengths[run:]
		if l != 0 {
			out = append(out, packedLength{symbol: l})
			run--
		}
		for run > 0 {
			symbol, least, most := uint8(repeatLast), 3, 6
			switch {
			case l == 0 && run > 10:
				symbol, least, most = repeatZeros, 11, 138
			case l == 0:
				symbol, most = repeatZero, 10
			}
			if run < least {
				out = append(out, packedLength{symbol: l})
				run--
				continue
			}
			n := min(run, most)
			out = append(out, packedLength{symbol, uint8(n - least)}) //nolint:gosec // at most 127
			run -= n
		}
	}
	return out
}
