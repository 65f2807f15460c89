package sls

import (
	"errors"
	"fmt"
)

// ErrMalformed is returned for bytes that are not the protobuf they should be.
var ErrMalformed = errors.New("sls: malformed LogGroup protobuf")

// Field is a key and its value. Both point into the bytes that were read.
type Field struct{ Key, Value []byte }

// Group is a LogGroup as it lies in the bytes of a pull: everything in it
// points there and lives no longer. Reusing one Group for every
// [GroupReader.Next] keeps the walk free of allocations.
type Group struct {
	Topic, Source, Category, MachineUUID []byte
	Tags                                 []Field

	// Raw is the encoded group.
	Raw []byte
	// Logs is how many logs the group holds.
	Logs int
	// Cursor and Base identify the group's logs: with a log's index in the
	// group added to Base they name it the same way on every delivery. Base is
	// 0 unless cursors cannot be counted, see [Page.Groups].
	Cursor int64
	Base   int
}

// GroupReader walks a LogGroupList.
type GroupReader struct {
	b    []byte
	i    int
	err  error
	next int64 // cursor of the next group
	step int64 // 1, or 0 where groups have no cursor of their own
	base int
}

// NewGroupReader walks the raw bytes of a LogGroupList. Its groups count as
// those of cursors 0, 1, 2 and so on.
func NewGroupReader(list []byte) GroupReader { return GroupReader{b: list, step: 1} }

// Next reads the next group's own fields, not yet its logs, into g. It returns
// false at the end or at malformed bytes; Err tells which.
func (r *GroupReader) Next(g *Group) bool {
	for r.err == nil && r.i < len(r.b) {
		num, wt, i := tag(r.b, r.i)
		if i < 0 {
			break
		}
		if num != 1 {
			if r.i = skip(r.b, r.i); r.i < 0 {
				break
			}
			continue
		}
		raw, i := chunk(r.b, i, wt)
		if i < 0 || !g.parse(raw) {
			break
		}
		r.i = i
		g.Cursor, g.Base = r.next, r.base
		r.next += r.step
		if r.step == 0 {
			r.base += g.Logs
		}
		return true
	}
	if r.i != len(r.b) && r.err == nil {
		r.err = ErrMalformed
	}
	return false
}

// Err returns nil when the list was read to its end, else [ErrMalformed].
func (r *GroupReader) Err() error { return r.err }

// parse reads everything but the logs, since the topic may follow them, and
// checks the frame of each.
func (g *Group) parse(raw []byte) bool {
	*g = Group{Tags: g.Tags[:0], Raw: raw}
	fetch(raw)
	for i := 0; i < len(raw); {
		if raw[i] == 1<<3|wireBytes {
			if _, end := brief(raw, i+1); end >= 0 {
				g.Logs++
				i = end
				continue
			}
		}
		num, wt, v := tag(raw, i)
		if v < 0 {
			return false
		}
		if num > 6 {
			if i = skip(raw, i); i < 0 {
				return false
			}
			continue
		}
		value, end := chunk(raw, v, wt)
		if end < 0 {
			return false
		}
		i = end
		switch num {
		case 1:
			g.Logs++
		case 2:
			g.Category = value
		case 3:
			g.Topic = value
		case 4:
			g.Source = value
		case 5:
			g.MachineUUID = value
		case 6:
			var f Field
			if !f.parse(value) {
				return false
			}
			g.Tags = append(g.Tags, f)
		}
	}
	return true
}

// fetch brings b into the processor's cache. A pull is larger than that is, and
// to step from log to log over a group that is not in it means to wait for the
// memory at each, since where the next one begins is written in the last. Read
// from end to end, it comes in as fast as the memory can.
//
//go:noinline
func fetch(b []byte) (all byte) {
	const line = 64
	for i := 0; i < len(b); i += line {
		all |= b[i]
	}
	return all
}

// parse reads a LogContent or a LogTag: the same message under two names.
func (f *Field) parse(b []byte) bool {
	var key, value bool
	for i := 0; i < len(b); {
		num, wt, v := tag(b, i)
		if v < 0 {
			return false
		}
		switch num {
		case 1:
			f.Key, i = chunk(b, v, wt)
			key = true
		case 2:
			f.Value, i = chunk(b, v, wt)
			value = true
		default:
			i = skip(b, i)
		}
		if i < 0 {
			return false
		}
	}
	return key && value // both are required fields
}

// Validate reads list through to the last log. It returns nil exactly when the
// SDK's generated decoder accepts the bytes, else an error that wraps
// [ErrMalformed] and names the group and log.
func Validate(list []byte) error {
	var g Group
	var l Log
	groups := NewGroupReader(list)
	n := 0
	for ; groups.Next(&g); n++ {
		logs := g.Reader()
		for logs.Next(&l) {
		}
		if logs.Err() != nil {
			return fmt.Errorf("group %d, log %d: %w", n, logs.n, logs.Err())
		}
	}
	if groups.Err() != nil {
		return fmt.Errorf("group %d: %w", n, groups.Err())
	}
	return nil
}
