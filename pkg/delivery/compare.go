package delivery

import (
	"fmt"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/rollup"
)

// Span returns what has to be gathered of the i-th function to compare: its days,
// and the one after, on which runs may have ended that were under way.
func (s Statement) Span(i int) (function string, span report.Span) {
	f := s.Predicate.Functions[i]
	return f.Function, report.Span{From: f.From, To: f.To, Options: rollup.Options{Each: true}}
}

// Check tells whether the statement speaks of days as [Statement.Compare] reads
// them.
func (s Statement) Check() error {
	for _, f := range s.Predicate.Functions {
		if int64(f.To.Sub(f.From)) != int64(len(f.Days))*int64(24*time.Hour) {
			return fmt.Errorf("of %.100q it has %d days, from %s to before %s", f.Function, len(f.Days), f.From.Format(time.RFC3339), f.To.Format(time.RFC3339))
		}
	}
	return nil
}

// Compare names what differs between what s, which was checked, says of the i-th
// function and what is kept now. Receipts are named where s has each; else days
// are.
func (s Statement) Compare(i int, now report.Function) (list []receipt.Finding) {
	roots := map[string]string{}
	for _, subject := range s.Subject {
		roots[subject.Name] = subject.Digest["sha256"]
	}
	c := comparison{made: s.Predicate.Made, ended: map[string]bool{}}
	for _, day := range now.Days {
		c.endedIn(day.Receipts)
	}
	for n, day := range s.Predicate.Functions[i].Days {
		where := folder(now.Name, now.Days[n].Date)
		switch {
		case roots[where] == now.Days[n].Root:
		case len(day.Receipts) > 0:
			list = append(list, c.receipts(where, day.Receipts, now.Days[n].Receipts)...)
		default:
			list = append(list, receipt.Finding{
				Kind: receipt.Altered, Where: where,
				Detail: fmt.Sprintf("its receipts have the SHA-256 %q, and had %q on %s", now.Days[n].Root, roots[where], s.Predicate.Made.Format(time.DateOnly)),
			})
		}
	}
	return append(list, unnamed(list, now, len(s.Predicate.Functions[i].Days))...)
}

// unnamed returns what is found of the chain of receipts, of the first days, that
// list does not name already.
func unnamed(list []receipt.Finding, now report.Function, days int) (more []receipt.Finding) {
	broken := []string{receipt.Missing, receipt.Altered, receipt.Unknown}
	after := map[receipt.Finding]bool{}
	for _, d := range now.Days[days:] {
		for _, f := range d.Day.Findings {
			after[f] = true
		}
	}
	for _, f := range now.Findings {
		if after[f.Finding] {
			continue
		}
		if !f.Proof.IsZero() || !slices.Contains(broken, f.Kind) || slices.ContainsFunc(list, func(l receipt.Finding) bool { return l.Kind == f.Kind && l.Where == f.Where }) {
			continue
		}
		more = append(more, f.Finding)
	}
	return more
}

// comparison is of the receipts of a function at two times.
type comparison struct {
	made  time.Time       // when the first was
	ended map[string]bool // runs of which there is the receipt of their end now, by id
}

func (c comparison) endedIn(day []rollup.Receipt) {
	for _, r := range day {
		if n, err := receipt.NameOf(r.Name); err == nil && n.Ended() {
			c.ended[n.ID] = true
		}
	}
}

// replaced tells whether a receipt was of a run that was under way, and has ended
// since.
func (c comparison) replaced(name string) bool {
	n, err := receipt.NameOf(name)
	return err == nil && !n.Ended() && c.ended[n.ID]
}

// later tells whether a receipt is of a run that ended after the first.
func (c comparison) later(name string) bool {
	n, err := receipt.NameOf(name)
	return err == nil && n.Ended() && n.At.After(c.made)
}

// receipts names what differs between the receipts of a day then and now.
func (c comparison) receipts(where string, then, now []rollup.Receipt) (list []receipt.Finding) {
	kept := map[string]string{}
	for _, r := range now {
		kept[r.Name] = r.SHA256
	}
	add := func(kind, name, detail string) {
		list = append(list, receipt.Finding{Kind: kind, Where: where + "/" + name, Detail: detail})
	}
	for _, r := range then {
		switch sum, ok := kept[r.Name]; {
		case !ok && c.replaced(r.Name):
		case !ok:
			add(receipt.Missing, r.Name, "the receipt was removed after it was attested")
		case sum != r.SHA256:
			add(receipt.Altered, r.Name, "the receipt was altered after it was attested")
		}
		delete(kept, r.Name)
	}
	for _, r := range now {
		if _, ok := kept[r.Name]; ok && !c.later(r.Name) {
			add(receipt.Unknown, r.Name, "the receipt was not there when the day was attested")
		}
	}
	return list
}
