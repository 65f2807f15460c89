package muleaudit

import (
	"fmt"
	"time"
)

// slice is an aligned span of one organisation's log: [start, end).
type slice struct {
	org        string
	start, end time.Time
}

// basic is the ISO 8601 basic form that object names carry.
const basic = "20060102T150405Z"

// objectName is the name of the slice's nth object, from 1.
func (s slice) objectName(n int) string {
	return fmt.Sprintf("%s/mulesoft-audit-%s-%s-%03d.json.gz",
		s.start.Format("2006/01/02"), s.org, s.start.Format(basic), n)
}

func (s slice) String() string {
	return s.org + " " + s.start.Format(time.RFC3339) + "/" + s.end.Format("15:04:05Z")
}

// look is one reading of a slice, or of part of it: [from, to).
type look struct {
	slice
	from, to time.Time
}

// span is what a run is asked for: [from, to) of one organisation.
type span struct {
	org      string
	from, to time.Time
	// watermark is where the last run had got to, zero if there was none. An
	// event before it that is new is late.
	watermark time.Time
	scheduled bool // by the watermark, which then moves; else a backfill
}

// looks cuts a span into looks at aligned slices, oldest first.
func (s span) looks(length time.Duration) []look {
	var out []look
	for start := s.from.Truncate(length); start.Before(s.to); start = start.Add(length) {
		l := look{slice: slice{s.org, start, start.Add(length)}}
		l.from, l.to = latest(s.from, start), earliest(s.to, l.end)
		out = append(out, l)
	}
	return out
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
