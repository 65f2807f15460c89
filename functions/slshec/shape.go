package slshec

import (
	"encoding/binary"
	"math/bits"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// shapes remembers the keys of logs. A logstore holds a few kinds of logs, each
// with the same keys in the same order: to compare those with the last ones of
// the kind and to copy their text costs a third of checking and writing them
// again.
type shapes [16]shape

// shape is a list of plain keys.
type shape struct {
	keys  []byte // one after the other
	names []byte // of each its JSON text and a colon; from the second on, a comma first
	ends  []shapeEnd
}

// shapeEnd is where a key ends in keys, and its text in names; where that was
// written last; and what its value becomes.
type shapeEnd struct {
	key, name int
	at        uint32
	value     embedding
}

// of returns the shape of fields, or nil where they have to be renamed or might
// have to.
func (s *shapes) of(fields []sls.Field, json jsonKeys) *shape {
	n := len(fields)
	at := n
	if n > 0 { // whatever tells kinds apart at no cost
		at += 3*len(fields[0].Key) + 5*len(fields[n/2].Key) + 7*len(fields[n-1].Key)
	}
	k := &s[at%len(s)]
	switch {
	case k.fits(fields):
	case plainKeys(fields):
		k.learn(fields, json)
	default:
		return nil
	}
	return k
}

func (k *shape) fits(fields []sls.Field) bool {
	if len(fields) != len(k.ends) {
		return false
	}
	from := 0
	for i := range fields {
		end := k.ends[i].key
		if string(fields[i].Key) != string(k.keys[from:end]) {
			return false
		}
		from = end
	}
	return true
}

func (k *shape) learn(fields []sls.Field, json jsonKeys) {
	k.keys, k.names, k.ends = k.keys[:0], k.names[:0], k.ends[:0]
	for i := range fields {
		if i > 0 {
			k.names = append(k.names, ',')
		}
		k.keys = append(k.keys, fields[i].Key...)
		k.names, _ = hec.AppendString(k.names, fields[i].Key) // plain keys are ASCII
		k.names = append(k.names, ':')
		k.ends = append(k.ends, shapeEnd{key: len(k.keys), name: len(k.names), value: json.of(fields[i].Key)})
	}
}

// text is what goes before the value of field i.
func (k *shape) text(i int) []byte {
	from := 0
	if i > 0 {
		from = k.ends[i-1].name
	}
	return k.names[from:k.ends[i].name]
}

// maxPlain is the most keys that plainKeys compares; beyond, the slow way is
// the faster one. maxKey bounds what a shape keeps of each.
const (
	maxPlain = 64
	maxKey   = 1 << 10
)

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
		if !ok || len(fields[i].Key) > maxKey {
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
