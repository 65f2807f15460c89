package main

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/alecthomas/kong"
)

// decodeTime reads the time.Time of a flag.
func decodeTime(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("time", &text); err != nil {
		return err
	}
	t, err := parseMoment(text, time.Now())
	if err == nil {
		target.Set(reflect.ValueOf(t))
	}
	return err
}

// parseMoment reads a moment in UTC: RFC 3339, a date, which is its first
// moment, or a span of time, which is that long before now.
func parseMoment(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	ago, err := parseSpan(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no moment: want 2026-01-02T15:04:05Z, 2026-01-02 (UTC), or a span before now such as 24h or 7d", text)
	}
	return now.Add(-ago).UTC(), nil
}

var errSpan = errors.New("want a span of time such as 90m, 24h or 400d")

// span is a flag's span of time, see [parseSpan].
type span time.Duration

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *span) UnmarshalText(text []byte) error {
	d, err := parseSpan(string(text))
	*s = span(d)
	return err
}

// units are those of days, besides those of [time.ParseDuration].
var units = map[string]uint64{"d": 1, "w": 7, "y": 365}

// parseSpan reads a span of time that is not negative: days as d, weeks as w and
// years of 365 days as y, the rest as [time.ParseDuration] does.
func parseSpan(text string) (time.Duration, error) {
	if text != "" {
		last := len(text) - 1
		if unit := units[text[last:]]; unit > 0 {
			n, err := strconv.ParseUint(text[:last], 10, 16)
			if err != nil || n*unit > math.MaxUint16 { // 65,535 days are less than what a Duration holds
				return 0, errSpan
			}
			return time.Duration(n*unit) * 24 * time.Hour, nil //nolint:gosec // of 16 bits
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errSpan
	}
	return d, nil
}
