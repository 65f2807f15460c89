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
	// leastBars is how many bars there is room for, so that a few make no walls.
	leastBars = 24
	// hourlyDays is up to how many days are drawn by the hour.
	hourlyDays = 14
)

// bar is what is known of a day, or of an hour.
type bar struct {
	name      string
	delivered int64
	lag       *float64 // in seconds, nil if it is not known
	runs      int
}

// timeline are the bars of a span, and the word for what each stands for.
func (f *Function) timeline() (list []bar, each string) {
	if len(f.Days) > hourlyDays {
		for _, d := range f.Days {
			list = append(list, bar{d.Date.Format(time.DateOnly), d.Delivered, d.MostLag, d.Runs})
		}
		return list, "day"
	}
	for _, d := range f.Days {
		for hour, next := 0, 0; hour < 24; hour++ {
			b := bar{name: fmt.Sprintf("%s %02d:00", d.Date.Format(time.DateOnly), hour)}
			if next < len(d.Hours) && d.Hours[next].Hour == hour {
				h := d.Hours[next]
				b.delivered, b.lag, b.runs = h.Delivered, h.MostLag, h.Runs
				next++
			}
			list = append(list, b)
		}
	}
	return list, "hour"
}

// throughput draws the records that were delivered.
func throughput(f Function) template.HTML {
	bars, each := f.timeline()
	p := plot{what: "Records delivered, by the " + each, bars: bars}
	p.value = func(b bar) (float64, bool) { return float64(b.delivered), b.runs > 0 }
	p.text = func(v float64) string { return Count(int64(v)) }
	return p.draw()
}

// lag draws how far runs were behind.
func lag(f Function) template.HTML {
	bars, each := f.timeline()
	p := plot{what: "Longest lag, by the " + each, bars: bars, limit: lateAfter, limitName: "an hour, from which on a day is late"}
	p.value = func(b bar) (float64, bool) {
		if b.lag == nil {
			return 0, false
		}
		return *b.lag, true
	}
	p.text = seconds
	return p.draw()
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}

// plot draws values as bars, with the largest and the span written out. What has
// no value has no bar; one of zero has a line.
type plot struct {
	what  string
	bars  []bar
	value func(bar) (v float64, known bool)
	text  func(float64) string
	// limit is drawn as a line where values come near it, if it is not 0; bars
	// above it have another colour.
	limit     float64
	limitName string
}

func (p plot) draw() template.HTML {
	top, at := 0.0, ""
	for _, b := range p.bars {
		if v, ok := p.value(b); ok && (v > top || at == "") {
			top, at = v, b.name
		}
	}
	summary := p.what + ": nothing is known"
	if at != "" {
		summary = fmt.Sprintf("%s: at most %s, %s", p.what, p.text(top), at)
	}
	near := p.limit > 0 && top > p.limit/3
	if near {
		summary += ". The line is " + p.limitName
		top = max(top, p.limit*1.05)
	}
	escape := template.HTMLEscapeString
	var s strings.Builder
	fmt.Fprintf(&s, `<figure><figcaption>%s</figcaption><svg role="img" aria-label="%s" viewBox="0 0 %d %d" preserveAspectRatio="none">`,
		escape(summary), escape(summary), plotWidth, plotHeight)
	step := float64(plotWidth) / float64(max(len(p.bars), leastBars))
	for i, b := range p.bars {
		v, ok := p.value(b)
		if !ok {
			continue
		}
		height := 1.0
		if top > 0 {
			height = max(1, v/top*plotHeight)
		}
		class := "bar"
		if p.limit > 0 && v > p.limit {
			class = "over"
		}
		fmt.Fprintf(&s, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s: %s</title></rect>`,
			class, float64(i)*step, plotHeight-height, max(step*0.8, 0.5), height, escape(b.name), escape(p.text(v)))
	}
	if near {
		y := plotHeight * (1 - p.limit/top)
		fmt.Fprintf(&s, `<line class="limit" x1="0" x2="%d" y1="%.1f" y2="%.1f"/>`, plotWidth, y, y)
	}
	s.WriteString("</svg>")
	if n := len(p.bars); n > 0 {
		fmt.Fprintf(&s, `<div class="axis" aria-hidden="true"><span>%s</span><span>%s</span></div>`, escape(p.bars[0].name), escape(p.bars[n-1].name))
	}
	s.WriteString("</figure>")
	return template.HTML(s.String()) //nolint:gosec // made of numbers, dates, and texts that are escaped
}
