package report

import (
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/rollup"
	"github.com/siemfeed/siemfeed/pkg/status"
)

// The page is one file that loads nothing: no font, no picture, and no style or
// script but these, which the policy names by their hashes.
var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	style string
	//go:embed page.js
	script string

	policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", source(style), source(script))
)

// source is how a content security policy names an inline style or script
// (w3.org/TR/CSP3, §2.3.1).
func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"policy": func() string { return policy },
	"style":  func() template.HTML { return template.HTML("<style>" + style + "</style>") },    //nolint:gosec // a file of this package
	"script": func() template.HTML { return template.HTML("<script>" + script + "</script>") }, //nolint:gosec // likewise

	"class": class, "mark": mark, "months": months, "monthdays": monthdays, "verdicts": verdicts,
	"records": throughput, "lag": lag, "failures": failures, "rejected": rejected, "rested": rested,

	"count": func(n any) string { return Count(reflect.ValueOf(n).Int()) }, "bytes": bytes,
	"day":    func(t time.Time) string { return t.Format(time.DateOnly) },
	"moment": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
}).Parse(pageText))

// Page is what a page says.
type Page struct {
	Made      time.Time
	Version   string // of what made it
	Functions []Function
}

// Write writes the page as HTML.
func (p Page) Write(w io.Writer) error { return page.Execute(w, p) }

// Count writes a number with separators.
func Count(n int64) string { return progress.Count(n) }

// bytes writes a size in the unit that is of use.
func bytes(n int64) string {
	f := float64(n)
	for _, unit := range []string{"bytes", "KB", "MB", "GB"} {
		if f < 1000 {
			if unit == "bytes" {
				return fmt.Sprintf("%d bytes", n)
			}
			return fmt.Sprintf("%.1f %s", f, unit)
		}
		f /= 1000
	}
	return fmt.Sprintf("%.1f TB", f)
}

// class is a verdict's class of style.
func class(v Verdict) string { return strings.ReplaceAll(string(v), " ", "-") }

// mark is what a day's field shows besides its colour, which not everyone sees
// nor every printer prints.
func mark(v Verdict) string {
	switch v {
	case Complete:
		return "✓"
	case Late:
		return "L"
	case Gap:
		return "✗"
	}
	return "?"
}

// month is the days of a month that the page is about.
type month struct {
	Name   string
	Before []struct{} // days before the first
	Days   []*Day
	Totals rollup.Totals
}

func months(days []Day) (list []month) {
	for i := range days {
		d := &days[i]
		name := d.Date.Format("2006-01")
		if len(list) == 0 || list[len(list)-1].Name != name {
			list = append(list, month{Name: name, Before: make([]struct{}, d.Date.Day()-1)})
		}
		m := &list[len(list)-1]
		m.Days = append(m.Days, d)
		m.Totals.Add(d.Totals)
	}
	return list
}

// monthdays are the days that a month may have.
func monthdays() (list []int) {
	for n := range 31 {
		list = append(list, n+1)
	}
	return list
}

// counted is how many days have a verdict.
type counted struct {
	Verdict Verdict
	Days    int
}

func verdicts(days []Day) (list []counted) {
	for _, v := range []Verdict{Complete, Late, Gap, Unseen} {
		list = append(list, counted{v, len(dated(days, v))})
	}
	return list
}

// failures sums up what runs failed for, the most frequent first.
func failures(days []Day) (list []rollup.Failure) {
	by := map[receipt.Code]rollup.Failure{}
	for _, d := range days {
		for _, f := range d.Failures {
			f.Runs += by[f.Code].Runs
			by[f.Code] = f // of a later day
		}
	}
	return slices.SortedFunc(maps.Values(by), func(a, b rollup.Failure) int {
		if a.Runs != b.Runs {
			return b.Runs - a.Runs
		}
		return strings.Compare(string(a.Code), string(b.Code))
	})
}

// reason is a code of the quarantine.
type reason struct {
	Code    string
	Records int
	Example string // position of one, never what it holds
}

func rejected(p status.Pending) (list []reason) {
	for _, code := range slices.SortedFunc(maps.Keys(p.Codes), func(a, b string) int {
		if p.Codes[a] != p.Codes[b] {
			return p.Codes[b] - p.Codes[a]
		}
		return strings.Compare(a, b)
	}) {
		list = append(list, reason{code, p.Codes[code], string(p.Examples[code])})
	}
	return list
}

// rested says how the page knows what receipts say.
func rested(days []Day) string {
	var read, rolled int64
	for _, d := range days {
		if d.RolledUp {
			rolled += int64(d.Runs)
		} else {
			read += int64(d.Runs)
		}
	}
	if rolled == 0 {
		return fmt.Sprintf("For this page %s were read.", plural(read, "receipt"))
	}
	return fmt.Sprintf("For this page %s were read; the other %s are as they were when they were summed up, by the bucket's own list of them.", plural(read, "receipt"), Count(rolled))
}

// mostReceipts is up to how many receipts the page names each.
const mostReceipts = 500

// Receipts are the function's, by their names in STATE_URL; none if there are
// more than a page has room for.
func (f *Function) Receipts() (list []rollup.Receipt) {
	if f.Totals.Runs > mostReceipts {
		return nil
	}
	for _, d := range f.Days {
		if len(d.Day.Receipts) != d.Runs {
			return nil
		}
		for _, r := range d.Day.Receipts {
			list = append(list, rollup.Receipt{Name: f.Name + "/receipts/" + d.Date.Format("2006/01/02/") + r.Name, SHA256: r.SHA256})
		}
	}
	return list
}

// Proofs are those that the days rest on.
func (f *Function) Proofs() (list []*Proof) {
	for _, d := range f.Days {
		if d.Proof != nil && !slices.Contains(list, d.Proof) {
			list = append(list, d.Proof)
		}
	}
	return list
}
