package progress

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// text tells how far it is, how fast it goes and, where the whole is known, how
// long the rest takes at that rate.
func (c *Counter) text(unit string, took time.Duration) string {
	done, total := c.done.Load()+c.passed.Load(), c.total.Load()
	out := Count(done)
	if total > 0 {
		done = min(done, total)
		out = fmt.Sprintf("%s of %s", Count(done), Count(total))
	}
	out += " " + unit
	if total > 0 {
		out += fmt.Sprintf(" (%d %%)", 100*done/total)
	}
	if moved := c.bytes.Load(); moved > 0 {
		out += fmt.Sprintf(", %s (%s/s)", size(float64(moved)), size(float64(moved)/took.Seconds()))
	}
	rate := float64(c.done.Load()) / took.Seconds()
	if rate <= 0 {
		return out
	}
	out += ", " + rated(rate)
	if left := total - done; left > 0 {
		out += ", " + Rest(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
	}
	return out
}

// rated writes a rate, by the minute or hour where little comes in a second.
func rated(rate float64) string {
	for _, per := range []struct {
		seconds float64
		name    string
	}{{1, "s"}, {60, "min"}, {3600, "h"}} {
		if n := rate * per.seconds; n >= 1 || per.name == "h" {
			if n < 10 {
				return strconv.FormatFloat(n, 'f', 1, 64) + "/" + per.name
			}
			return Count(int64(math.Round(n))) + "/" + per.name
		}
	}
	return ""
}

// Count writes a number with its thousands apart.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// size writes a number of bytes in decimal units.
func size(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 999.5 {
			return strconv.FormatFloat(n, 'f', 0, 64) + " " + unit
		}
		n /= 1000
	}
	return strconv.FormatFloat(n, 'f', 1, 64) + " TB"
}

// Rest writes how long something takes, no finer than it can be known.
func Rest(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(math.Ceil(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(math.Ceil(d.Minutes())))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(math.Ceil(d.Hours())))
	}
	return fmt.Sprintf("%d days", int(math.Ceil(d.Hours()/24)))
}

// barWidth is how many columns a bar takes, with its brackets.
const barWidth = 24

// bar puts a bar before text, if the whole is known and the row has room, and
// cuts what does not fit into it.
func (c *Counter) bar(text string, columns int) string {
	total := c.total.Load()
	if total > 0 && len(text)+barWidth+3 <= columns {
		full := int(min(c.done.Load()+c.passed.Load(), total) * (barWidth - 2) / total)
		text = "  [" + strings.Repeat("=", full) + strings.Repeat(" ", barWidth-2-full) + "]" + text
	}
	if columns > 1 && len(text) >= columns { // the last column would begin another row
		text = text[:columns-1]
	}
	return text
}
