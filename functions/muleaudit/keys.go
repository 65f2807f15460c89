package muleaudit

import (
	"crypto/sha256"
	"fmt"
	"io"
)

// key identifies an event: the first 16 bytes of the SHA-256 of its compacted
// bytes, since the API gives no id. Among a million events of a slice two
// different ones share a key with a chance of 10⁻²⁷.
type key [16]byte

func keyOf(event []byte) key {
	sum := sha256.Sum256(event)
	return key(sum[:len(key{})])
}

func keyOfSum(sum []byte) key { return key(sum[:len(key{})]) }

// keys is a set of keys.
type keys map[key]struct{}

func (s keys) has(k key) bool {
	_, ok := s[k]
	return ok
}

// add puts k into the set and tells whether it is new there.
func (s keys) add(k key) bool {
	n := len(s)
	s[k] = struct{}{}
	return len(s) > n
}

// appendTo appends the keys to b one after the other, in no particular order.
func (s keys) appendTo(b []byte) []byte {
	for k := range s {
		b = append(b, k[:]...)
	}
	return b
}

// readFrom adds n keys that lie one after the other in r, and no more.
func (s keys) readFrom(r io.Reader, n int) error {
	var k key
	for i := range n {
		if _, err := io.ReadFull(r, k[:]); err != nil {
			return fmt.Errorf("%d keys of %d (%w): restore the object", i, n, err)
		}
		s.add(k)
	}
	if more, _ := r.Read(k[:1]); more > 0 {
		return fmt.Errorf("more than %d keys: restore the object", n)
	}
	return nil
}
