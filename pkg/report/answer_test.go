package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/rollup"
	"github.com/siemfeed/siemfeed/pkg/status"
)

// function has a day for each letter: complete, late, gap, unseen with runs,
// nothing kept; in upper case the last is not over.
func function(days string) Function {
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	f := Function{Name: "f", From: first, To: first.AddDate(0, 0, len(days))}
	for i, letter := range strings.ToLower(days) {
		d := Day{Day: rollup.Day{Date: first.AddDate(0, 0, i)}}
		d.Verdict = map[rune]Verdict{'c': Complete, 'l': Late, 'g': Gap, 'u': Unseen, '-': Unseen}[letter]
		if letter != '-' {
			d.Runs = 1
		}
		d.Open = days[i] >= 'A' && days[i] <= 'Z'
		f.Days = append(f.Days, d)
		if letter == 'g' {
			f.Findings = append(f.Findings, Named{Finding: receipt.Finding{Kind: receipt.Gap}})
		}
	}
	return f
}

func TestAnswer(t *testing.T) {
	for _, c := range []struct {
		days    string
		wrong   bool
		verdict Verdict
		text    string
		notes   []string
	}{
		{"ccc", false, Complete, "Complete, 2026-03-01 to 2026-03-03.", nil},
		{"c", false, Complete, "Complete, 2026-03-01.", nil},
		{"clc", false, Complete, "Complete, 2026-03-01 to 2026-03-03.", []string{"Late: 2026-03-02, when runs failed or were more than an hour behind."}},
		{"cgc", true, Gap, "Not complete: 1 finding, on 2026-03-02.", nil},
		{"gucgggg", true, Gap, "Not complete: 5 findings, on 2026-03-01, 2026-03-04, 2026-03-05 and 2 days more.", []string{"Not looked at: 2026-03-02."}},
		{"c-c", true, Unseen, "Not all was looked at: 1 of 3 days, 2026-03-02.", nil},
		{"ccu", true, Unseen, "Not all was looked at: 1 of 3 days, 2026-03-03.", nil},
		{"--ccU", false, Complete, "Complete, 2026-03-03 to 2026-03-04.", []string{"No receipt is kept of the time before, 2026-03-01 to 2026-03-02.", "2026-03-05 is not over, and not proven yet."}},
		{"ccC", false, Complete, "Complete, 2026-03-01 to 2026-03-03.", nil},
		{"ccG", true, Gap, "Not complete: 1 finding, on 2026-03-03.", nil},
		{"--U", false, Complete, "Nothing is wrong so far: no day is over.", []string{"No receipt is kept of the time before, 2026-03-01 to 2026-03-02.", "2026-03-03 is not over, and not proven yet."}},
		{"---", true, Unseen, "No receipt is kept of 2026-03-01 to 2026-03-03.", nil},
		{"cc--", true, Unseen, "Not all was looked at: 2 of 4 days, 2026-03-03, 2026-03-04.", nil},
	} {
		f := function(c.days)
		a := f.Answer()
		if a.Wrong() != c.wrong || a.Verdict != c.verdict || a.Text != c.text || !slices.Equal(a.Notes, c.notes) {
			t.Errorf("%s: wrong %v: %+v", c.days, a.Wrong(), a)
		}
	}
	f := function("cc")
	f.Pending = status.Pending{Objects: 10_000, More: true}
	if a := f.Answer(); len(a.Notes) != 1 || a.Notes[0] != "In quarantine now: more than 10,000 objects." || a.Wrong() {
		t.Errorf("%+v", a)
	}
	f = function("U")
	f.Findings = []Named{{Finding: receipt.Finding{Kind: receipt.Unread}}}
	if a := f.Answer(); a.Text != "Not complete: 1 finding." || !a.Wrong() {
		t.Errorf("%+v", a)
	}
	f = function("cc")
	f.Findings = []Named{{Finding: receipt.Finding{Kind: receipt.Unread}}} // of no day
	if a := f.Answer(); a.Text != "Not complete: 1 finding." || !a.Wrong() {
		t.Errorf("%+v", a)
	}
}
