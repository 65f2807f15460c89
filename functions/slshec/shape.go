package slshec

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// shape remembers the keys of the log before, each as it is written. Logs that
// follow one another mostly have the same keys in the same order; then neither
// do they have to be escaped again, nor looked at for repeats.
type shape struct {
	keys  []shapeKey
	n     int  // keys that were looked at together, one more than there were so that 0 means none
	plain bool // what that came to
}

type shapeKey struct {
	key  []byte
	text []byte // as JSON, with its colon
}

// fits tells whether the fields can go out under their own keys, which keys
// then holds as text.
func (s *shape) fits(fields []sls.Field) bool {
	if len(fields) > maxPlain {
		return false
	}
	same := s.n == len(fields)+1
	for i := range fields {
		if i == len(s.keys) {
			s.keys = append(s.keys, shapeKey{})
		}
		k := &s.keys[i]
		if k.text != nil && bytes.Equal(k.key, fields[i].Key) {
			continue
		}
		same = false
		k.key = append(k.key[:0], fields[i].Key...)
		k.text, _ = hec.AppendString(k.text[:0], k.key)
		k.text = append(k.text, ':')
	}
	if !same {
		s.n, s.plain = len(fields)+1, plainKeys(fields)
	}
	return s.plain
}

// maxPlain is the most keys that plainKeys compares; beyond, the slow way is
// the faster one.
const maxPlain = 64

// plainKeys tells whether the keys can be written as they are: each occurs
// once, none could be a name of the tail, none holds bytes outside ASCII that
// might become equal to another's when repaired. It may say no where yes would
// be right, never the other way round.
//
// Each key is drawn to a number; numbers already seen are looked for only where
// their bit in a 64-bit set is taken. Ten keys cost about as much as one escape.
func plainKeys(fields []sls.Field) bool {
	if len(fields) > maxPlain {
		return false
	}
	var seen [maxPlain]uint64
	var set uint64
	for i := range fields {
		n, ok := keyNumber(fields[i].Key)
		if !ok {
			return false
		}
		bit := uint64(1) << (n * 0x9e3779b97f4a7c15 >> 58)
		if set&bit != 0 {
			for _, o := range seen[:i] {
				if o == n {
					return false // the same key, or one so much like it
				}
			}
		}
		set |= bit
		seen[i] = n
	}
	return true
}

// keyNumber makes equal keys equal numbers. It returns false for a key that
// begins like a reserved name, or is not plain ASCII in the bytes it looks at.
func keyNumber(k []byte) (uint64, bool) {
	const nonASCII = 0x8080808080808080
	var n uint64
	switch {
	case len(k) >= 8:
		first, last := binary.LittleEndian.Uint64(k), binary.LittleEndian.Uint64(k[len(k)-8:])
		if (first|last)&nonASCII != 0 {
			return 0, false
		}
		for i := 8; i+8 < len(k); i += 8 {
			w := binary.LittleEndian.Uint64(k[i:])
			if w&nonASCII != 0 {
				return 0, false
			}
			n = bits.RotateLeft64(n, 11) ^ w*0x9e3779b97f4a7c15
		}
		n ^= first*0xff51afd7ed558ccd ^ bits.RotateLeft64(last*0xc4ceb9fe1a85ec53, 32)
	default:
		for i := range k {
			n |= uint64(k[i]) << (8 * i)
		}
		if n&nonASCII != 0 {
			return 0, false
		}
		n *= 0xff51afd7ed558ccd
	}
	if len(k) >= 3 && k[0] == '_' && k[1] == '_' && k[2] == 't' {
		return 0, false
	}
	return n + uint64(len(k)), true //nolint:gosec // a length
}
