package muleaudit

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/bits"
)

// key identifies an event: the first 16 bytes of the SHA-256 of its compacted
// bytes, since the API gives no id. Among a million events of a slice two
// different ones share a key with a chance of 10⁻²⁷.
type key [16]byte

func keyOf(event []byte) key {
	sum := sha256.Sum256(event)
	return keyOfSum(sum[:])
}

func keyOfSum(sum []byte) key {
	k := key(sum[:len(key{})])
	if k == (key{}) { // the mark of an empty slot
		k[0] = 1
	}
	return k
}

// keySet is a set of keys that stays near their own size: a million take 20 to
// 26 MiB, where a map takes twice that and twice that again while it grows. It
// is cut into parts that grow one at a time, and by a quarter only, since it is
// nearly all that a look with a million events holds (28 of 32 MiB when it was
// by half) and the garbage collector lets the heap reach twice what is held.
type keySet struct {
	parts [256]keyPart
	n     int
}

type keyPart struct {
	slots []key
	n     int
}

func (s *keySet) len() int { return s.n }

func (s *keySet) has(k key) bool {
	p := &s.parts[k[15]]
	return len(p.slots) > 0 && p.slots[p.find(k)] == k
}

// add puts k into the set and tells whether it is new there.
func (s *keySet) add(k key) bool {
	p := &s.parts[k[15]]
	if 4*(p.n+1) > 3*len(p.slots) {
		p.resize(len(p.slots)*5/4 + 8)
	}
	i := p.find(k)
	if p.slots[i] == k {
		return false
	}
	p.slots[i] = k
	p.n++
	s.n++
	return true
}

// find returns the slot that holds k, or the empty one where it belongs.
func (p *keyPart) find(k key) int {
	hi, _ := bits.Mul64(binary.LittleEndian.Uint64(k[:8]), uint64(len(p.slots)))
	i := int(hi) // below len(p.slots)
	for p.slots[i] != k && p.slots[i] != (key{}) {
		if i++; i == len(p.slots) {
			i = 0
		}
	}
	return i
}

// reserve makes room for n more keys, so that reading many does not have to
// grow from nothing.
func (s *keySet) reserve(n int) {
	each := n/len(s.parts) + n/len(s.parts)/16 // parts differ by a few percent
	for i := range s.parts {
		p := &s.parts[i]
		if want := (p.n + each) * 4 / 3; want > len(p.slots) {
			p.resize(want)
		}
	}
}

func (p *keyPart) resize(slots int) {
	old := p.slots
	p.slots = make([]key, slots)
	for _, k := range old {
		if k != (key{}) {
			p.slots[p.find(k)] = k
		}
	}
}

// WriteTo writes the keys one after the other, in no particular order.
func (s *keySet) WriteTo(w io.Writer) (int64, error) {
	var written int64
	buf := make([]byte, 0, 4096)
	flush := func() error {
		n, err := w.Write(buf)
		written += int64(n)
		buf = buf[:0]
		return err
	}
	for i := range s.parts {
		for _, k := range s.parts[i].slots {
			if k == (key{}) {
				continue
			}
			if buf = append(buf, k[:]...); len(buf) == cap(buf) {
				if err := flush(); err != nil {
					return written, err
				}
			}
		}
	}
	return written, flush()
}

// readFrom adds the keys that WriteTo wrote, and returns how many it read.
func (s *keySet) readFrom(r io.Reader) (n int, err error) {
	var k key
	for ; ; n++ {
		switch _, err := io.ReadFull(r, k[:]); err {
		case nil:
			s.add(k)
		case io.EOF:
			return n, nil
		default:
			return n, err
		}
	}
}
