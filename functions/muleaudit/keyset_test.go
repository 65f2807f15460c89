package muleaudit

import (
	"bytes"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A keySet is a set, whatever is put into it.
func TestKeySetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s keySet
		model := map[key]bool{}
		// Few different keys and few parts, so that they meet.
		gen := rapid.Custom(func(t *rapid.T) (k key) {
			k[0], k[7], k[15] = rapid.Byte().Draw(t, "a"), rapid.Byte().Draw(t, "b"), rapid.ByteRange(0, 2).Draw(t, "part")
			if k == (key{}) {
				k[0] = 1
			}
			return k
		})
		for range rapid.IntRange(0, 500).Draw(t, "n") {
			k := gen.Draw(t, "key")
			if s.has(k) != model[k] || s.add(k) == model[k] || !s.has(k) {
				t.Fatalf("key %x", k)
			}
			model[k] = true
		}
		var b bytes.Buffer
		if n, err := s.WriteTo(&b); err != nil || n != int64(16*len(model)) || s.len() != len(model) {
			t.Fatalf("wrote %d of %d keys, %v", n/16, len(model), err)
		}
		var back keySet
		if n, err := back.readFrom(&b); err != nil || n != len(model) || back.len() != n {
			t.Fatalf("read %d of %d keys, %v", back.len(), len(model), err)
		}
		for k := range model {
			if !back.has(k) {
				t.Fatalf("key %x is lost", k)
			}
		}
	})
}

func TestTruncatedKeysAreAnError(t *testing.T) {
	var s keySet
	if _, err := s.readFrom(bytes.NewReader(make([]byte, 17))); err == nil {
		t.Error("17 bytes taken for keys")
	}
}
