package sls

import (
	"encoding/binary"
	"time"
)

// Limits of one write that every region accepts. Source: PutLogs (2021); newer
// SDKs go beyond them.
const (
	MaxPutBytes = 3 << 20 // raw bytes of a LogGroup
	MaxPutLogs  = 4096    // logs of a LogGroup
)

// MaxKeyBytes bounds the key of a field. Source: the page on what a log consists
// of; whether the service refuses a longer one everywhere is not known.
const MaxKeyBytes = 128

// A log is refused, and the whole group with it, if it is older than maxPutAge or
// more than maxPutAhead in the future by the service's clock. Source: PutLogs.
const (
	maxPutAge   = 7 * 24 * time.Hour
	maxPutAhead = 15 * time.Minute
	// What is close to either limit is moved too: a write may be tried for a while
	// before it is taken, and the clocks may differ.
	ageMargin   = 15 * time.Minute
	aheadMargin = 30 * time.Second
)

// PutTime returns the time with which a log of the time at can be written: at
// itself, or now where the service would refuse it.
func PutTime(at, now time.Time) (t time.Time, moved bool) {
	if age := now.Sub(at); age > maxPutAge-ageMargin || age < aheadMargin-maxPutAhead {
		return now, true
	}
	return at, false
}

// PutGroup is a LogGroup to be written, as the bytes that are sent: logs are
// appended without building objects. The zero value is empty.
type PutGroup struct {
	raw  []byte
	ends []int // of each log in raw
}

// overhead bounds what a log takes beside its contents: tag and length, and its
// time to the second.
const overhead = 1 + 5 + 1 + 5

// Takes tells whether a log with so many bytes of contents goes into one request
// with those that are in the group. An empty group takes any.
func (g *PutGroup) Takes(contents int) bool {
	// Topic and source are a few hundred bytes at most.
	return len(g.ends) == 0 || len(g.ends) < MaxPutLogs && len(g.raw)+contents+overhead <= MaxPutBytes-1024
}

// Append appends a log. Its contents were made by [AppendContent]; its time counts
// to the second.
func (g *PutGroup) Append(at time.Time, contents []byte) {
	seconds := uint64(uint32(at.Unix())) //nolint:gosec // the field has 32 bits
	g.raw = append(g.raw, 1<<3|wireBytes)
	g.raw = binary.AppendUvarint(g.raw, uint64(1+sizeVarint(seconds)+len(contents))) //nolint:gosec // a size
	g.raw = append(g.raw, 1<<3|wireVarint)
	g.raw = binary.AppendUvarint(g.raw, seconds)
	g.raw = append(g.raw, contents...)
	g.ends = append(g.ends, len(g.raw))
}

// Len returns how many logs there are, Size how many bytes they take.
func (g *PutGroup) Len() int { return len(g.ends) }

// Size returns how many bytes the logs take.
func (g *PutGroup) Size() int { return len(g.raw) }

// Reset makes the group empty, and keeps its memory.
func (g *PutGroup) Reset() { g.raw, g.ends = g.raw[:0], g.ends[:0] }

// Keep drops the logs for whose number keep returns false.
func (g *PutGroup) Keep(keep func(i int) bool) {
	size, n, begin := 0, 0, 0
	for i, end := range g.ends {
		if keep(i) {
			size += copy(g.raw[size:], g.raw[begin:end])
			g.ends[n] = size
			n++
		}
		begin = end
	}
	g.raw, g.ends = g.raw[:size], g.ends[:n]
}

// slice returns the logs from number from up to, not including, to.
func (g *PutGroup) slice(from, to int) []byte {
	begin := 0
	if from > 0 {
		begin = g.ends[from-1]
	}
	return g.raw[begin:g.ends[to-1]]
}

// Log reads log number i.
func (g *PutGroup) Log(i int) Log {
	var l Log
	r := LogReader{b: g.slice(i, i+1)}
	r.Next(&l) // what Append wrote is well formed
	return l
}
