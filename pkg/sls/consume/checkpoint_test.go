package consume

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// booksModel is a shard, the runs that read it one after the other, and the
// receipts they left.
type booksModel struct {
	t     *rapid.T
	logs  []int64     // of each group
	saved int         // checkpoint, as a group's number
	kept  [][]Stretch // receipts, as they were kept last
}

// count returns the logs of the groups in [from, to).
func (m *booksModel) count(from, to int) (n int64) {
	for _, k := range m.logs[from:to] {
		n += k
	}
	return n
}

// keep keeps the receipt under way, or begins another.
func (m *booksModel) keep(e entries, announced []Stretch) {
	var r Receipt
	r.add(e, announced)
	m.kept[len(m.kept)-1] = r.Stretches
}

// run reads on from the checkpoint until it has enough or is killed.
func (m *booksModel) run() {
	cursor := func(n int) string { return sls.FormatCursor(int64(n)) }
	l := newLedger(new(Consumer), &Receipt{})
	m.kept = append(m.kept, nil)
	from := m.saved // where the checkpoint is, as far as the worker knows
	for {
		status := sls.ShardStatus{Checkpoint: cursor(from)}
		switch rapid.SampledFrom([]string{"commit", "commit", "commit", "turn", "regain", "end"}).Draw(m.t, "step") {
		case "regain": // the shard goes, and comes back where its checkpoint is
			l.unsaved(0, []any{Counts{Out: 1}})
			from = m.saved
		case "commit":
			st := sls.Stretch{From: cursor(from), Status: status}
			to := from
			for range rapid.IntRange(1, 4).Draw(m.t, "pages") {
				next := to + rapid.IntRange(1, 4).Draw(m.t, "groups")
				for len(m.logs) < next {
					m.logs = append(m.logs, rapid.Int64Range(0, 9).Draw(m.t, "logs"))
				}
				n := m.count(to, next)
				st.Notes = append(st.Notes, Counts{In: n, Out: n})
				to = next
			}
			st.To = cursor(to)
			l.expect(st)
			entries, announced, _ := l.look()
			m.keep(entries, announced)
			if rapid.IntRange(0, 9).Draw(m.t, "turn meanwhile") == 0 {
				m.turn(l, status)
			}
			fate := rapid.IntRange(0, 9).Draw(m.t, "fate")
			if fate == 0 { // killed before the checkpoint is saved
				return
			}
			if fate != 1 {
				m.saved = to
			}
			if fate == 2 { // killed after
				return
			}
			if fate == 1 || fate == 3 { // refused, or the answer was lost: the shard goes and comes back
				l.unsaved(0, st.Notes)
				from = m.saved
				continue
			}
			l.saved(st)
			from = to
		case "turn":
			m.turn(l, status)
		case "end":
			l.status(status)
			m.keep(l.take())
			return
		}
	}
}

// turn ends a receipt while the run goes on.
func (m *booksModel) turn(l *ledger, status sls.ShardStatus) {
	l.status(status)
	m.keep(l.take())
	m.kept = append(m.kept, nil)
}

func (m *booksModel) evidence() (all []Stretch) {
	for _, list := range m.kept {
		all = append(all, list...)
	}
	return all
}

// However runs end, what they leave accounts for every log before the
// checkpoint once, and for each exactly.
func TestReceiptsJoinThroughKills(t *testing.T) {
	for range 50 { // a hundred runs each: it takes some thousand to meet all there is
		rapid.Check(t, receiptsJoin)
	}
}

func receiptsJoin(t *rapid.T) {
	m := &booksModel{t: t}
	for range rapid.IntRange(1, 6).Draw(t, "runs") {
		m.run()
	}
	at := 0
	for _, e := range disjoint(m.evidence()) {
		from, to := e.span()
		if int(from) != at {
			t.Fatalf("accounted for up to %d, the next begins at %d", at, from)
		}
		if want := m.count(int(from), int(to)); e.In != want || e.Out != want {
			t.Fatalf("from %d to %d there are %d logs, the receipt counts %d in and %d out", from, to, want, e.In, e.Out)
		}
		at = int(to)
	}
	if at < m.saved {
		t.Fatalf("accounted for up to %d, the checkpoint is at %d", at, m.saved)
	}
}

// A receipt that is gone leaves a hole, whatever else lies around it.
func TestMissingReceiptLeavesAHole(t *testing.T) {
	of := func(from, to int64, announced bool) Stretch {
		return Stretch{From: sls.FormatCursor(from), To: sls.FormatCursor(to), In: to - from, Saved: !announced}
	}
	for _, tc := range []struct {
		name string
		list []Stretch
		want [][2]int64
	}{
		{"two runs", []Stretch{of(0, 5, false), of(8, 9, false)}, [][2]int64{{0, 5}, {8, 9}}},
		{"a checkpoint that was saved", []Stretch{of(0, 5, false), of(5, 7, true), of(7, 9, false)}, [][2]int64{{0, 5}, {5, 7}, {7, 9}}},
		{"one that was not", []Stretch{of(0, 5, false), of(5, 7, true), of(5, 9, false)}, [][2]int64{{0, 5}, {5, 9}}},
		{"one that was not, and less was done the next time", []Stretch{of(0, 5, false), of(5, 9, true), of(5, 7, true), of(7, 8, false)}, [][2]int64{{0, 5}, {5, 7}, {7, 8}}},
		{"three runs killed, none with a checkpoint for certain", []Stretch{of(0, 5, false), of(5, 8, true), of(5, 7, true), of(7, 9, true)}, [][2]int64{{0, 5}, {5, 7}, {7, 9}}},
		{"the last run was killed", []Stretch{of(0, 5, false), of(5, 9, true), of(5, 7, true)}, [][2]int64{{0, 5}, {5, 9}}},
		{"a hole behind an announcement", []Stretch{of(0, 5, false), of(5, 7, true), of(8, 9, false)}, [][2]int64{{0, 5}, {5, 7}, {8, 9}}},
		{"a range handed over again", []Stretch{of(0, 5, false), of(0, 3, false), of(0, 5, false), of(5, 6, false)}, [][2]int64{{0, 5}, {5, 6}}},
		{"nothing was done", []Stretch{of(3, 3, false), of(3, 3, true)}, nil},
	} {
		got := disjoint(tc.list)
		ok := len(got) == len(tc.want)
		for i := range got {
			from, to := got[i].span()
			ok = ok && tc.want[i] == [2]int64{from, to}
		}
		if !ok {
			t.Errorf("%s: %+v, want %v", tc.name, got, tc.want)
		}
	}
}
