package muleaudit

import (
	"fmt"
	"time"
)

// slice is an aligned part of one organisation's log.
type slice struct {
	org string
	interval
}

func sliceAt(org string, t time.Time, length time.Duration) slice {
	start := t.UTC().Truncate(length)
	return slice{org, interval{start, start.Add(length)}}
}

// slicesIn is how many slices a time makes, without the rest.
func (f *Function) slicesIn(d time.Duration) int64 { return int64(d / f.cfg.Slice) }

func (s slice) next() slice {
	return slice{s.org, interval{s.To, s.To.Add(s.To.Sub(s.From))}}
}

// basic is the ISO 8601 basic form that object names carry.
const basic = "20060102T150405Z"

// objectName is the name of the slice's nth object, from 1.
func (s slice) objectName(n int) string {
	return fmt.Sprintf("%s/mulesoft-audit-%s-%s-%03d.json.gz",
		s.From.Format("2006/01/02"), s.org, s.From.Format(basic), n)
}

func (s slice) String() string {
	return s.org + " " + s.From.Format(time.RFC3339) + "/" + s.To.Format("15:04:05Z")
}
