package report

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// The drawing's own units: the page stretches it.
const (
	plotWidth  = 720
	plotHeight = 90
	// leastBars is how many days there is room for, so that a few make no walls.
	leastBars = 31
)

// bars draws a value a day as bars, with the largest and the span written out.
// A day without a value has no bar; one of zero has a line. label says what the
// values are, text writes one.
func bars(days []Day, label string, value func(Day) (float64, bool), text func(float64) string) template.HTML {
	top, topDay := 0.0, time.Time{}
	for _, d := range days {
		if v, ok := value(d); ok && (v > top || topDay.IsZero()) {
			top, topDay = v, d.Date
		}
	}
	var b strings.Builder
	summary := label + ": no day has a value"
	if !topDay.IsZero() {
		summary = fmt.Sprintf("%s: at most %s, on %s", label, text(top), topDay.Format(time.DateOnly))
	}
	fmt.Fprintf(&b, `<figure><figcaption>%s</figcaption><svg role="img" aria-label="%s" viewBox="0 0 %d %d" preserveAspectRatio="none">`,
		template.HTMLEscapeString(summary), template.HTMLEscapeString(summary), plotWidth, plotHeight)
	step := float64(plotWidth) / float64(max(len(days), leastBars))
	for i, d := range days {
		v, ok := value(d)
		if !ok {
			continue
		}
		height := 1.0
		if top > 0 {
			height = max(1, v/top*plotHeight)
		}
		fmt.Fprintf(&b, `<rect class="%s" x="%.2f" y="%.2f" width="%.2f" height="%.2f"><title>%s: %s</title></rect>`,
			class(d.Verdict), float64(i)*step, plotHeight-height, max(step*0.85, 0.5), height,
			d.Date.Format(time.DateOnly), template.HTMLEscapeString(text(v)))
	}
	b.WriteString("</svg></figure>")
	return template.HTML(b.String()) //nolint:gosec // made of numbers, dates, and texts that are escaped
}

// class is a verdict's class of style.
func class(v Verdict) string { return strings.ReplaceAll(string(v), " ", "-") }
