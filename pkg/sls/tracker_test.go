package sls

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the order in which batches are confirmed, and whichever fail, the
// safe cursor is that of the last batch with none unconfirmed before it.
func TestTrackerNeverPassesAGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := newTracker(FormatCursor(0), 1000)
		var seqs []int
		var confirmed []bool
		n := rapid.IntRange(1, 30).Draw(t, "steps")
		for range n {
			if len(seqs) == 0 || rapid.Bool().Draw(t, "add") {
				next := FormatCursor(int64(len(confirmed) + 1))
				if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
					tr.skip(next)
					confirmed = append(confirmed, true)
				} else {
					seq, err := tr.add(t.Context(), next)
					if err != nil {
						t.Fatal(err)
					}
					seqs = append(seqs, seq)
					confirmed = append(confirmed, false)
				}
			} else {
				i := rapid.IntRange(0, len(seqs)-1).Draw(t, "which")
				seq := seqs[i]
				seqs = append(seqs[:i], seqs[i+1:]...)
				if rapid.IntRange(0, 9).Draw(t, "fate") == 0 {
					tr.done(seq, errors.New("refused"))
				} else {
					tr.done(seq, nil)
					confirmed[seq] = true
				}
			}
			want := 0
			for want < len(confirmed) && confirmed[want] {
				want++
			}
			safe, open, _ := tr.state()
			if safe != FormatCursor(int64(want)) || open != len(seqs) {
				got, _ := CursorNumber(safe)
				t.Fatalf("safe up to %d with %d under way, want %d with %d", got, open, want, len(seqs))
			}
		}
	})
}
