package sls

import "encoding/binary"

// Log is one log as it lies in the bytes of its group; see [Group].
type Log struct {
	Time     uint32 // __time__, Unix seconds
	TimeNs   uint32 // nanoseconds to add, if HasNs
	HasNs    bool
	Index    int // position in the group, from 0, plus the group's Base
	Contents []Field
}

// LogReader walks the logs of one group.
type LogReader struct {
	b   []byte
	i   int
	n   int
	err error
}

// Reader walks the logs of g. A malformed log is found only when it is
// reached: what was made of the group's earlier logs is then to be withdrawn,
// and the group set aside as a whole.
func (g *Group) Reader() LogReader { return LogReader{b: g.Raw, n: g.Base} }

// Next reads the next log into l and returns false at the end or at malformed
// bytes; Err tells which.
func (r *LogReader) Next(l *Log) bool {
	for r.err == nil && r.i < len(r.b) {
		num, wt, v := tag(r.b, r.i)
		if v >= 0 && num == 1 {
			var raw []byte
			if raw, r.i = chunk(r.b, v, wt); r.i < 0 || !l.parse(raw) {
				r.err = ErrMalformed
				return false
			}
			l.Index = r.n
			r.n++
			return true
		}
		if v >= 0 {
			r.i = skip(r.b, r.i)
		}
		if v < 0 || r.i < 0 {
			r.err = ErrMalformed
		}
	}
	return false
}

// Err returns nil when the group was read to its end, else [ErrMalformed].
func (r *LogReader) Err() error { return r.err }

func (l *Log) parse(b []byte) bool {
	l.Time, l.TimeNs, l.HasNs = 0, 0, false
	fields := l.Contents[:0]
	hasTime := false
	for i := 0; i < len(b); {
		if b[i] == 2<<3|wireBytes { // nearly every field is a content
			if from, end := brief(b, i+1); end >= 0 {
				n := len(fields)
				if n == cap(fields) {
					fields = append(fields, Field{})
				}
				fields = fields[:n+1]
				if f := &fields[n]; !f.plain(b[from:end]) && !f.parse(b[from:end]) {
					return false
				}
				i = end
				continue
			}
		}
		num, wt, v := tag(b, i)
		if v < 0 {
			return false
		}
		switch num {
		case 1:
			if wt != wireVarint {
				return false
			}
			var n uint64
			if n, i = uvarint(b, v); i < 0 {
				return false
			}
			l.Time, hasTime = uint32(n), true //nolint:gosec // the generated decoder drops the upper bits too
		case 2:
			var raw []byte
			if raw, i = chunk(b, v, wt); i < 0 {
				return false
			}
			var f Field
			if !f.parse(raw) {
				return false
			}
			fields = append(fields, f)
		case 4:
			if wt != wireFixed32 || len(b)-v < 4 {
				return false
			}
			l.TimeNs, l.HasNs = binary.LittleEndian.Uint32(b[v:]), true
			i = v + 4
		default:
			if i = skip(b, i); i < 0 {
				return false
			}
		}
	}
	l.Contents = fields
	return hasTime // a required field
}

// plain reads a content the way every encoder writes it: key, value and nothing
// else, lengths of one or two bytes. It returns false for any other form, which
// says nothing about whether the bytes are good.
func (f *Field) plain(b []byte) bool {
	if len(b) < 4 || b[0] != 1<<3|wireBytes {
		return false
	}
	key, end := brief(b, 1)
	if end < 0 || end >= len(b) || b[end] != 2<<3|wireBytes {
		return false
	}
	value, last := brief(b, end+1)
	if last != len(b) {
		return false
	}
	f.Key, f.Value = b[key:end:end], b[value:]
	return true
}
