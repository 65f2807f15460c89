package attest

import (
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/report"
	"github.com/siemfeed/siemfeed/pkg/rollup"
)

// Span returns what has to be gathered of the i-th function to compare.
func (s Statement) Span(i int) (function string, span report.Span) {
	f := s.Predicate.Functions[i]
	return f.Function, report.Span{From: f.From, To: f.To.AddDate(0, 0, -1), Options: rollup.Options{Each: true}}
}

// Compare names what differs between what s says of the i-th function and what
// is kept now. Receipts are named where s has each; else days are.
func (s Statement) Compare(i int, now report.Function) (list []receipt.Finding) {
	roots := map[string]string{}
	for _, subject := range s.Subject {
		roots[subject.Name] = subject.Digest["sha256"]
	}
	for n, day := range s.Predicate.Functions[i].Days {
		where := folder(now.Name, now.Days[n].Date)
		if roots[where] == now.Days[n].Root {
			continue
		}
		before := len(list)
		list = append(list, receipts(where, day.Receipts, now.Days[n].Receipts)...)
		if len(list) == before || len(day.Receipts) == 0 {
			list = append(list[:before], receipt.Finding{
				Kind: receipt.Altered, Where: where,
				Detail: fmt.Sprintf("its receipts have the SHA-256 %q, and had %q on %s", now.Days[n].Root, roots[where], s.Predicate.Made.Format(time.DateOnly)),
			})
		}
	}
	return list
}

// receipts names what differs between the receipts of a day then and now.
func receipts(where string, then, now []rollup.Receipt) (list []receipt.Finding) {
	kept := map[string]string{}
	for _, r := range now {
		kept[r.Name] = r.SHA256
	}
	add := func(kind, name, detail string) {
		list = append(list, receipt.Finding{Kind: kind, Where: where + "/" + name, Detail: detail})
	}
	for _, r := range then {
		switch sum, ok := kept[r.Name]; {
		case !ok:
			add(receipt.Missing, r.Name, "the receipt was removed after it was attested")
		case sum != r.SHA256:
			add(receipt.Altered, r.Name, "the receipt was altered after it was attested")
		}
		delete(kept, r.Name)
	}
	for _, r := range now {
		if _, ok := kept[r.Name]; ok {
			add(receipt.Unknown, r.Name, "the receipt was not there when the day was attested")
		}
	}
	return list
}
