package report

import (
	_ "embed" // the page
	"fmt"
	"html/template"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/status"
)

//go:embed page.html
var pageText string

// page is one file that loads nothing: no script, no font, no picture.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"class": class, "count": func(n any) string { return Count(reflect.ValueOf(n).Int()) }, "day": func(t time.Time) string { return t.Format(time.DateOnly) },
	"moment": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
	"mark":   mark, "months": months, "verdicts": verdicts, "rejected": rejected,
	"last":    func(f Function) time.Time { return f.To.AddDate(0, 0, -1) },
	"records": func(f Function) template.HTML { return bars(f.Days, "Records delivered a day", delivered, whole) },
	"lag":     func(f Function) template.HTML { return bars(f.Days, "Longest lag a day", lag, span) },
}).Parse(pageText))

// Page is what a page says.
type Page struct {
	Made      time.Time
	Version   string // of what made it
	Functions []Function
}

// Write writes the page as HTML.
func (p Page) Write(w io.Writer) error { return page.Execute(w, p) }

func delivered(d Day) (float64, bool) { return float64(d.Delivered), d.Runs > 0 }

func whole(v float64) string { return Count(int64(v)) }

func lag(d Day) (float64, bool) {
	if d.MostLag == nil {
		return 0, false
	}
	return *d.MostLag, true
}

func span(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

// Count writes a number with separators.
func Count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// mark is what a day's field shows besides its colour, which not everyone sees
// nor every printer prints.
func mark(v Verdict) string {
	switch v {
	case Complete:
		return "✓"
	case Late:
		return "L"
	case Gap:
		return "G"
	}
	return "?"
}

// month is a row of the calendar: the days of a month that the page is about.
type month struct {
	Name   string
	Before []struct{} // fields before the first
	Days   []Day
}

func months(days []Day) (list []month) {
	for _, d := range days {
		name := d.Date.Format("2006-01")
		if len(list) == 0 || list[len(list)-1].Name != name {
			list = append(list, month{Name: name, Before: make([]struct{}, d.Date.Day()-1)})
		}
		m := &list[len(list)-1]
		m.Days = append(m.Days, d)
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
		n := 0
		for _, d := range days {
			if d.Verdict == v {
				n++
			}
		}
		list = append(list, counted{v, n})
	}
	return list
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
