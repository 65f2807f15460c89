package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Answer is what is known of a function in a span, in a sentence.
type Answer struct {
	Verdict Verdict // the worst of the days that count, Complete where they are late
	Text    string
	// Notes are what to know besides.
	Notes []string
}

// Wrong tells whether somebody has to look into it: something is missing or
// altered, or nobody looked whether it is.
func (a Answer) Wrong() bool { return a.Verdict != Complete }

// Last is the last day of the span.
func (f *Function) Last() time.Time { return f.To.AddDate(0, 0, -1) }

// Answer tells whether everything arrived. The days before the first receipt do
// not count, nor does one that is not over and not proven yet: they are notes.
func (f *Function) Answer() Answer {
	days := f.Days
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	first := slices.IndexFunc(days, func(d Day) bool { return d.Runs > 0 || d.Verdict != Unseen })
	if first < 0 {
		return Answer{Verdict: Unseen, Text: fmt.Sprintf("No receipt is kept of %s.", between(f.From, f.Last()))}
	}
	if first > 0 {
		note("No receipt is kept of the time before, %s.", between(days[0].Date, days[first-1].Date))
	}
	days = days[first:]
	if last := days[len(days)-1]; last.Open && last.Verdict == Unseen {
		days = days[:len(days)-1]
		note("%s is not over, and not proven yet.", last.Date.Format(time.DateOnly))
		if len(days) == 0 && len(f.Findings) == 0 {
			return Answer{Verdict: Complete, Text: "Nothing is wrong so far: no day is over.", Notes: f.pending(notes)}
		}
	}
	if late := dated(days, Late); len(late) > 0 {
		note("Late: %s, when runs failed or were more than an hour behind.", some(late))
	}
	gaps, unseen := dated(days, Gap), dated(days, Unseen)
	a := Answer{Verdict: Complete}
	if len(days) > 0 {
		a.Text = fmt.Sprintf("Complete, %s.", between(days[0].Date, days[len(days)-1].Date))
	}
	switch {
	case len(gaps) > 0 || len(f.Findings) > 0:
		a.Verdict = Gap
		n := int64(len(f.Findings)) + f.MoreFindings
		a.Text = fmt.Sprintf("Not complete: %s.", plural(n, "finding"))
		if len(gaps) > 0 {
			a.Text = fmt.Sprintf("Not complete: %s, on %s.", plural(n, "finding"), some(gaps))
		}
		if len(unseen) > 0 {
			note("Not looked at: %s.", some(unseen))
		}
	case len(unseen) > 0:
		a.Verdict = Unseen
		a.Text = fmt.Sprintf("Not all was looked at: %s of %s, %s.", Count(int64(len(unseen))), plural(int64(len(days)), "day"), some(unseen))
	}
	a.Notes = f.pending(notes)
	return a
}

// pending adds what waits in quarantine, which is not of these days alone.
func (f *Function) pending(notes []string) []string {
	if n := f.Pending.Objects; n > 0 {
		more := ""
		if f.Pending.More {
			more = "more than "
		}
		return append(notes, fmt.Sprintf("In quarantine now: %s%s.", more, plural(int64(n), "object")))
	}
	return notes
}

// dated are the days that have a verdict.
func dated(days []Day, v Verdict) (list []string) {
	for _, d := range days {
		if d.Verdict == v {
			list = append(list, d.Date.Format(time.DateOnly))
		}
	}
	return list
}

// some names the first of a list.
func some(dates []string) string {
	const most = 3
	if len(dates) <= most {
		return strings.Join(dates, ", ")
	}
	return fmt.Sprintf("%s and %s more", strings.Join(dates[:most], ", "), plural(int64(len(dates)-most), "day"))
}

// between is a span of days, both included.
func between(first, last time.Time) string {
	if first.Equal(last) {
		return first.Format(time.DateOnly)
	}
	return first.Format(time.DateOnly) + " to " + last.Format(time.DateOnly)
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return Count(n) + " " + what + "s"
}

// Why says what gave the day its verdict; empty for one that is complete.
func (d *Day) Why() string {
	var why []string
	add := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	if n := int64(len(d.Findings)) + d.MoreFindings; n > 0 {
		add("%s in its receipts", plural(n, "finding"))
	}
	if d.Proof != nil && d.Proof.Verified.Findings > 0 {
		add("%s of its proof", plural(d.Proof.Verified.Findings, "finding"))
	}
	if d.Runs == 0 {
		add("no receipt is kept")
	} else if d.Proof == nil {
		add("no proof covers it")
	}
	if d.Failed > 0 {
		add("%s failed", plural(int64(d.Failed), "run"))
	}
	if d.MostLag != nil && *d.MostLag > lateAfter {
		add("%s behind", seconds(*d.MostLag))
	}
	return strings.Join(why, ", ")
}
