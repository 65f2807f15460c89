package sls

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever the order in which pages are confirmed, and whichever fail, the
// safe cursor is that of the last page with none unconfirmed before it, and
// each note is given back once: with the checkpoint that covers it, or at the
// end.
func TestTrackerNeverPassesAGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBacklog(1<<40, time.Hour)
		tr := newTracker(FormatCursor(0), 1000, b)
		var seqs, given []int
		var confirmed, skipped []bool
		saved := 0
		take := func(notes []any) {
			for _, n := range notes {
				given = append(given, n.(int)) //nolint:forcetypeassert // see below
			}
		}
		n := rapid.IntRange(1, 30).Draw(t, "steps")
		for range n {
			switch step := rapid.IntRange(0, 4).Draw(t, "step"); {
			case step == 0:
				now := tr.state()
				for _, note := range now.notes {
					if at := note.(int); at < saved { //nolint:forcetypeassert // see below
						t.Fatalf("the note of page %d is given after the checkpoint %d", at, saved)
					}
				}
				take(now.notes)
				tr.saved(now.count)
				at, _ := CursorNumber(now.safe)
				saved = int(at)
			case len(seqs) == 0 || step < 3:
				next := FormatCursor(int64(len(confirmed) + 1))
				skip := rapid.IntRange(0, 4).Draw(t, "kind") == 0
				if skip {
					tr.skip(next)
				} else {
					seq, err := tr.add(t.Context(), next, 10)
					if err != nil {
						t.Fatal(err)
					}
					seqs = append(seqs, seq)
				}
				confirmed, skipped = append(confirmed, skip), append(skipped, skip)
			default:
				i := rapid.IntRange(0, len(seqs)-1).Draw(t, "which")
				seq := seqs[i]
				seqs = append(seqs[:i], seqs[i+1:]...)
				if rapid.IntRange(0, 9).Draw(t, "fate") == 0 {
					tr.done(seq, seq, errors.New("refused"))
				} else {
					tr.done(seq, seq, nil)
					confirmed[seq] = true
				}
			}
			want := 0
			for want < len(confirmed) && confirmed[want] {
				want++
			}
			now := tr.state()
			if now.safe != FormatCursor(int64(want)) || now.open != len(seqs) {
				got, _ := CursorNumber(now.safe)
				t.Fatalf("safe up to %d with %d under way, want %d with %d", got, now.open, want, len(seqs))
			}
		}
		tr.end(take)
		for _, seq := range seqs { // late
			tr.done(seq, seq, nil)
			confirmed[seq] = true
		}
		var want []int
		for seq, ok := range confirmed {
			if ok && !skipped[seq] {
				want = append(want, seq)
			}
		}
		if slices.Sort(given); !slices.Equal(given, want) {
			t.Fatalf("notes %v, want %v", given, want)
		}
		if b.bytes != 0 || len(b.since) != 0 {
			t.Fatalf("%d bytes of %d shards stay in the backlog", b.bytes, len(b.since))
		}
	})
}
