package muleaudit

import (
	"bytes"
	"maps"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestKeysAreReadAsWritten(t *testing.T) {
	s := keys{}
	for i := range 1000 {
		k := keyOf([]byte{byte(i), byte(i >> 8)})
		if s.has(k) || !s.add(k) || s.add(k) || !s.has(k) {
			t.Fatalf("key %d", i)
		}
	}
	back := keys{}
	text := s.appendTo(nil)
	if err := back.readFrom(bytes.NewReader(text), 1000); err != nil || !maps.Equal(s, back) {
		t.Errorf("%d keys, %v", len(back), err)
	}
	for _, n := range []int{999, 1001} {
		if err := back.readFrom(bytes.NewReader(text), n); err == nil {
			t.Errorf("1000 keys taken for %d", n)
		}
	}
}
