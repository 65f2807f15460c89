package gunzipcsv

import (
	"testing"

	"pgregory.net/rapid"
)

// TestSplitShards divides a shard as a verification of many objects does: each
// target of it is in one part, and no other target in any.
func TestSplitShards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Shard{}
		if rapid.Bool().Draw(t, "sharded") {
			s.Of = rapid.IntRange(1, 20).Draw(t, "of")
			s.Index = rapid.IntRange(0, s.Of-1).Draw(t, "index")
		}
		parts := s.split(rapid.IntRange(1, 20).Draw(t, "parts"))
		target := rapid.StringN(0, 40, -1).Draw(t, "target")
		in := 0
		for _, p := range parts {
			if p.valid() != nil {
				t.Fatalf("%v is no shard", p)
			}
			if p.has(target) {
				in++
			}
		}
		if want := s.has(target); in > 1 || (in == 1) != want {
			t.Fatalf("%q is in %d parts of %v, which has it: %v", target, in, s, want)
		}
	})
}
