package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// verifyAnswer is what a verification found.
type verifyAnswer struct {
	header
	// Function is the function that was verified.
	Function functionName `json:"function"`
	receipt.FindingList
	// NotLookedAt says what was asked about and not looked at, and why.
	NotLookedAt []string `json:"not_looked_at"`
	// Checked is what was looked at, as the function counts it.
	Checked checked `json:"checked"`
	// Receipts counts the receipts that were read by what vouches for them.
	Receipts vouched `json:"receipts"`
}

// vouched counts receipts.
type vouched struct {
	// Chained counts those that a later one names by SHA-256, and that are as they
	// were kept.
	Chained int64 `json:"chained"`
	// Unfollowed counts the newest: the next run names them.
	Unfollowed int64 `json:"unfollowed"`
	// Unchained counts those that none can name: of runs that are under way or were
	// killed, and of a release before receipts named each other.
	Unchained int64 `json:"unchained"`
}

func (v *vouched) add(c receipt.Chained) {
	v.Chained += c.Chained
	v.Unfollowed += c.Unfollowed
	v.Unchained += c.Unchained
}

func (v vouched) String() string {
	text := fmt.Sprintf("receipts: %s named by a later one and unchanged, the newest %s by the next run", count(v.Chained), count(v.Unfollowed))
	if v.Unchained > 0 {
		text += fmt.Sprintf("; nothing vouches for %s of runs that are under way or were killed, or of an earlier release", count(v.Unchained))
	}
	return text
}

// checked is what a function looked at.
type checked interface {
	// rows are a table, the first its heading.
	rows() [][]string
	// notes are what else is to be said, no findings.
	notes() []string
	// any tells whether anything was looked at at all.
	any() bool
}

// newVerifyAnswer is without a finding.
func newVerifyAnswer(name functionName, what checked) *verifyAnswer {
	return &verifyAnswer{Function: name, FindingList: receipt.NewFindingList(), NotLookedAt: []string{}, Checked: what}
}

func (v *verifyAnswer) kind() string { return "verify" }
func (v *verifyAnswer) found() bool  { return v.Found > 0 }

func (v *verifyAnswer) text(w io.Writer) {
	writeFindings(w, v.FindingList)
	for _, left := range v.NotLookedAt {
		_, _ = fmt.Fprintln(w, "not looked at: "+left)
	}
	for _, note := range v.Checked.notes() {
		_, _ = fmt.Fprintln(w, note)
	}
	if v.Receipts != (vouched{}) {
		_, _ = fmt.Fprintln(w, v.Receipts)
	}
	table(w, v.Checked.rows())
	switch {
	case v.found():
		_, _ = fmt.Fprintln(w, plural(v.Found, "finding"))
	case v.Checked.any():
		_, _ = fmt.Fprintln(w, "complete: nothing is missing, altered or unread")
	default:
		_, _ = fmt.Fprintln(w, "nothing was looked at: what was asked for holds nothing, or nothing that is settled")
	}
}

// writeFindings writes the findings of a list, of what is too much only the
// first.
func writeFindings(w io.Writer, l receipt.FindingList) {
	for _, f := range l.Findings {
		_, _ = fmt.Fprintf(w, "%-11s  %s: %s\n", strings.ToUpper(f.Kind), f.Where, f.Detail)
	}
	if more := l.Found - int64(len(l.Findings)); more > 0 {
		_, _ = fmt.Fprintf(w, "and %s more\n", plural(more, "finding"))
	}
}

// listOf has all of the findings.
func listOf(all []receipt.Finding) receipt.FindingList {
	l := receipt.NewFindingList()
	for _, f := range all {
		l.Join(receipt.FindingList{Found: 1, Kinds: map[string]int64{f.Kind: 1}, Findings: []receipt.Finding{f}})
	}
	return l
}

// plural is a number of things, by the name of one.
func plural(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return count(n) + " " + thing
}
