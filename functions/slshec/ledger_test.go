package slshec

import (
	"cmp"
	"testing"

	"pgregory.net/rapid"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// booksModel is a shard, the runs that read it one after the other, and the
// receipts they left.
type booksModel struct {
	t     *rapid.T
	logs  []int64 // of each group
	saved int     // checkpoint, as a group's number
	kept  []sheet // receipts, as they were kept last
}

// count returns the logs of the groups in [from, to).
func (m *booksModel) count(from, to int) (n int64) {
	for _, k := range m.logs[from:to] {
		n += k
	}
	return n
}

// keep keeps the receipt under way, or begins another.
func (m *booksModel) keep(s sheet) { m.kept[len(m.kept)-1] = s }

// run reads on from the checkpoint until it has enough or is killed.
func (m *booksModel) run() {
	type page struct{ next, from int }
	cursor := func(n int) string { return sls.FormatCursor(int64(n)) }
	l := newLedger()
	l.assign(0)
	m.kept = append(m.kept, sheet{})
	status := sls.ShardStatus{Start: cursor(m.saved)}
	var waiting []page // read and not settled yet
	settled := map[int]bool{}
	read, safe := m.saved, m.saved // safe: all before it is settled
	ends := map[int]int{}          // where the page that begins at a group ends
	first, before := status.Start, ""
	for {
		switch rapid.SampledFrom([]string{"read", "read", "skip", "settle", "settle", "commit", "commit", "turn", "regain", "end"}).Draw(m.t, "step") {
		case "skip": // a pull of which a query has left nothing
			m.logs = append(m.logs, 0)
			if read+1 < len(m.logs) {
				m.logs = m.logs[:len(m.logs)-1]
				continue // there are logs
			}
			ends[read], settled[read] = read+1, true
			read++
			for settled[safe] {
				safe = ends[safe]
			}
		case "regain": // the shard goes, and comes back where its checkpoint is
			l.close(status)
			l.assign(0)
			before = cmp.Or(status.Checkpoint, before)
			status = sls.ShardStatus{Start: cursor(m.saved)}
			waiting, settled, ends = nil, map[int]bool{}, map[int]int{}
			read, safe = m.saved, m.saved
		case "read":
			k := rapid.IntRange(1, 4).Draw(m.t, "groups")
			for range k {
				m.logs = append(m.logs, rapid.Int64Range(0, 9).Draw(m.t, "logs"))
			}
			next := min(read+k, len(m.logs)) // a run after a kill finds them there
			l.begin(0, cursor(read))
			waiting = append(waiting, page{next, read})
			ends[read] = next
			read = next
		case "settle":
			if len(waiting) == 0 {
				continue
			}
			i := rapid.IntRange(0, len(waiting)-1).Draw(m.t, "page")
			p := waiting[i]
			waiting = append(waiting[:i:i], waiting[i+1:]...)
			n := m.count(p.from, p.next)
			l.settled(0, settledPage{cursor(p.next), counts{in: n, out: n}})
			settled[p.from] = true
			for settled[safe] {
				safe = ends[safe]
			}
		case "commit":
			if safe == m.saved {
				continue
			}
			if l.announce(status, cursor(safe)) > 0 {
				s, _ := l.look()
				m.keep(s)
			}
			if rapid.IntRange(0, 9).Draw(m.t, "turn meanwhile") == 0 {
				m.turn(l, status)
			}
			if rapid.IntRange(0, 5).Draw(m.t, "killed before") == 0 {
				return
			}
			m.saved = safe
			if rapid.IntRange(0, 5).Draw(m.t, "killed after") == 0 {
				return
			}
			status.Checkpoint = cursor(safe)
		case "turn":
			m.turn(l, status)
		case "end": // the worker's result puts the times it held the shard together
			status.Start, status.Checkpoint = first, cmp.Or(status.Checkpoint, before)
			l.close(status)
			m.keep(l.take())
			return
		}
	}
}

// turn ends a receipt while the run goes on.
func (m *booksModel) turn(l *ledger, status sls.ShardStatus) {
	l.note(status)
	m.keep(l.take())
	m.kept = append(m.kept, sheet{})
}

func (m *booksModel) evidence() (rows []evidence) {
	for _, s := range m.kept {
		for _, r := range s.rows {
			rows = append(rows, evidence{ShardReceipt: r.receipt()})
		}
		for _, r := range s.announced {
			rows = append(rows, evidence{ShardReceipt: r.receipt(), announced: true})
		}
	}
	return rows
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
			t.Fatalf("accounted for up to %d, the next row begins at %d", at, from)
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
	row := func(from, to int64, announced bool) evidence {
		return evidence{ShardReceipt{From: sls.FormatCursor(from), To: sls.FormatCursor(to), In: to - from}, announced}
	}
	for _, tc := range []struct {
		name string
		rows []evidence
		want [][2]int64
	}{
		{"two runs", []evidence{row(0, 5, false), row(8, 9, false)}, [][2]int64{{0, 5}, {8, 9}}},
		{"a checkpoint that was saved", []evidence{row(0, 5, false), row(5, 7, true), row(7, 9, false)}, [][2]int64{{0, 5}, {5, 7}, {7, 9}}},
		{"one that was not", []evidence{row(0, 5, false), row(5, 7, true), row(5, 9, false)}, [][2]int64{{0, 5}, {5, 9}}},
		{"one that was not, and less was done the next time", []evidence{row(0, 5, false), row(5, 9, true), row(5, 7, true), row(7, 8, false)}, [][2]int64{{0, 5}, {5, 7}, {7, 8}}},
		{"three runs killed, none with a checkpoint for certain", []evidence{row(0, 5, false), row(5, 8, true), row(5, 7, true), row(7, 9, true)}, [][2]int64{{0, 5}, {5, 7}, {7, 9}}},
		{"the last run was killed", []evidence{row(0, 5, false), row(5, 9, true), row(5, 7, true)}, [][2]int64{{0, 5}, {5, 9}}},
		{"a hole behind an announcement", []evidence{row(0, 5, false), row(5, 7, true), row(8, 9, false)}, [][2]int64{{0, 5}, {5, 7}, {8, 9}}},
		{"a range handed over again", []evidence{row(0, 5, false), row(0, 3, false), row(0, 5, false), row(5, 6, false)}, [][2]int64{{0, 5}, {5, 6}}},
		{"nothing was done", []evidence{row(3, 3, false), row(3, 3, true)}, nil},
	} {
		got := disjoint(tc.rows)
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
