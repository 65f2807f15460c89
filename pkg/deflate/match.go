package deflate

import (
	"math/bits"

	"github.com/siemfeed/siemfeed/pkg/unaligned"
)

// Limits of the format.
const (
	window   = 1 << 15
	maxMatch = 258
)

const (
	minMatch  = 4
	tableBits = 13 // 16 KiB
	margin    = 8  // no match begins in the last bytes of a body: loads are of eight
)

// seq is a run of literals, and what is copied after it. Length is 0 where
// nothing is.
type seq struct {
	lits         uint32
	length, dist uint16
}

// matcher finds repeats.
type matcher struct {
	table [1 << tableBits]uint16 // lower half of the place where a hash was seen last
	seqs  []seq
}

func (m *matcher) reset() {
	clear(m.table[:]) // so that a body is packed alike whatever was before it
	if m.seqs == nil {
		m.seqs = make([]seq, 0, sample/minMatch)
	}
}

// parse sets m.seqs to what body is made of between from and to, and returns
// where it ends, which may be a little later, and how many hints are used up.
func (m *matcher) parse(body []byte, from, to int, hints []Hint) (end, used int) {
	m.seqs = m.seqs[:0]
	hint := at(hints, 0)
	search := unhinted
	if hint < to {
		search = hinted
	}
	limit := min(to, len(body)-margin)
	s, lit := from, from // s is looked at, the literals from lit on are in no seq yet
	for s < limit {
		var t int
		if hint <= s { // a search may have stepped over it
			h := hint
			t = int(hints[used].From)
			used++
			hint = at(hints, used)
			if h < lit || t >= h || h-t > window || unaligned.Load32(body, h) != unaligned.Load32(body, t) {
				continue
			}
			s = h
		} else {
			w := unaligned.Load64(body, s)
			h := w * search.hash >> (64 - tableBits)
			d := uint16(s) - m.table[h] //nolint:gosec // lower half
			m.table[h] = uint16(s)      //nolint:gosec // lower half
			t = s - int(d)
			if d-1 >= window || t < 0 || unaligned.Load32(body, t) != uint32(w) { //nolint:gosec // lower half
				if s += search.step(s - lit); hint-s < search.near {
					s = hint
				}
				continue
			}
			for s > lit && t > 0 && body[s-1] == body[t-1] {
				s, t = s-1, t-1
			}
		}
		n := matchLen(body, s, t)
		m.add(s-lit, n, s-t)
		s += n
		lit = s
		for hint < s {
			used++
			hint = at(hints, used)
		}
	}
	if end = min(max(s, to), len(body)); lit < end {
		m.seqs = append(m.seqs, seq{lits: uint32(end - lit)}) //nolint:gosec // a part's length
	}
	return end, used
}

// at is where hint i is about, or beyond every body.
func at(hints []Hint, i int) int {
	if i < len(hints) {
		return int(hints[i].At)
	}
	return 1 << 62
}

// search is how repeats are searched that no hint tells of.
type search struct {
	hash  uint64 // multiplied, leaves a hash of so many bytes in the upper bits
	brief int    // runs of literals up to this length, most of a UUID, are not worth a close look
	near  int    // nothing begins closer than this before a hint
}

// Text without hints is looked at closely, and less so the longer nothing is
// found. Between hints a value either begins like one before it, or it is most
// likely a number or an id, and those cost the more the closer one looks; only a
// long one is text. Right before a hint nothing is searched at all: a profile of
// logs of thirty short values showed a third of the time in looks at places where
// a repeat of seven bytes would have reached into the next key, which the hint is
// about and finds whole. (That also packs better. To pass over short values from
// their first byte on packs worse by a sixteenth and gains nothing more.)
var (
	unhinted = search{hash: prime << (64 - 8*5)}
	hinted   = search{hash: prime << (64 - 8*7), brief: 30, near: 8}
)

// prime is 2⁶⁴ divided by the golden ratio, more or less. (A constant would
// overflow when it is shifted.)
var prime uint64 = 0x9e3779b97f4a7c15

// step is how far to go on after run bytes without a match.
func (s search) step(run int) int {
	if run < s.brief {
		return 2 + run
	}
	return 1 + run>>5
}

// add adds a match of any length.
func (m *matcher) add(lits, n, dist int) {
	for n > maxMatch {
		part := min(maxMatch, n-minMatch)
		m.seqs = append(m.seqs, seq{uint32(lits), uint16(part), uint16(dist)}) //nolint:gosec // within limits
		lits, n = 0, n-part
	}
	m.seqs = append(m.seqs, seq{uint32(lits), uint16(n), uint16(dist)}) //nolint:gosec // within limits
}

// matchLen returns how many bytes are equal from s and from t on, t before s.
func matchLen(b []byte, s, t int) int {
	n := 0
	for s+n+8 <= len(b) {
		if x := unaligned.Load64(b, s+n) ^ unaligned.Load64(b, t+n); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
		n += 8
	}
	for s+n < len(b) && b[s+n] == b[t+n] {
		n++
	}
	return n
}
