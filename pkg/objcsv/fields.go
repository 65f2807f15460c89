package objcsv

import (
	"strings"
	"unicode/utf8"
)

// fields gives each name a number: columns first, in their order, then the
// unknown names that are counted.
//
// Records of one object list the same names in the same order, so the name
// after a given one is guessed to be the one that came after it last time. A
// right guess costs one comparison and no search for the name's end.
type fields struct {
	names []string
	raw   []string // the bytes of a name in JSON, where no escape is needed; else unmatchable
	index map[string]int
	after []int // after[i+1] is the guess behind field i, after[0] the first
	cols  int
	// learning adds each new name as a column, until lock.
	learning bool
	counts   []int64 // of the names from cols on
	other    int64   // occurrences of the names beyond the bounds
	scratch  []byte
}

// unmatchable holds a byte that ends a line, so it is found inside none.
const unmatchable = "\n"

// tooMany is the number of a name beyond the bounds.
const tooMany = -1

func (f *fields) reset(columns []string) {
	f.forget()
	for _, name := range columns {
		f.add(name)
	}
	f.lock()
	f.learning = len(columns) == 0
}

func (f *fields) forget() {
	if f.index == nil {
		f.index = make(map[string]int)
	}
	clear(f.index)
	f.names, f.raw, f.counts = f.names[:0], f.raw[:0], f.counts[:0]
	f.after = append(f.after[:0], 0)
	f.other = 0
}

// lock ends learning: the names so far are the columns.
func (f *fields) lock() { f.cols, f.learning = len(f.names), false }

func (f *fields) add(name string) int {
	id := len(f.names)
	f.index[name] = id
	f.names = append(f.names, name)
	f.after = append(f.after, id+1)
	raw := name
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		raw = unmatchable
	}
	f.raw = append(f.raw, raw)
	return id
}

// key finds the field whose name starts at line[i], behind the opening quote,
// given the one before it (-1: none). It returns the position behind the
// closing quote, or where the name is malformed as ^position.
func (f *fields) key(line []byte, i, prev int) (id, next int) {
	if guess := f.after[prev+1]; guess < len(f.raw) {
		name := f.raw[guess]
		if end := i + len(name); end < len(line) && line[end] == '"' && string(line[i:end]) == name {
			return guess, end + 1
		}
	}
	end, flags := scanString(line, i)
	if end < 0 {
		return 0, end
	}
	id = f.lookup(line[i:end], flags)
	if id != tooMany {
		f.after[prev+1] = id
	}
	return id, end + 1
}

func (f *fields) lookup(name []byte, flags flags) int {
	if flags&(isEscaped|isBadUTF8) != 0 {
		f.scratch = appendText(f.scratch[:0], name)
		name = f.scratch
	}
	if id, ok := f.index[string(name)]; ok {
		return id
	}
	if !f.learning {
		if len(f.counts) == maxUnknown || len(name) > maxUnknownName {
			return tooMany
		}
		f.counts = append(f.counts, 0)
	} else if len(f.names) == maxFields {
		return tooMany
	}
	return f.add(string(name))
}

// unknown returns the names that occurred outside the columns.
func (f *fields) unknown() map[string]int64 {
	var m map[string]int64
	for i, n := range f.counts {
		if n == 0 {
			continue // only in rejected records
		}
		if m == nil {
			m = make(map[string]int64)
		}
		m[f.names[f.cols+i]] = n
	}
	return m
}

// appendText appends what a JSON string's bytes mean to dst.
func appendText(dst, p []byte) []byte {
	for len(p) > 0 {
		var r rune
		if p[0] == '\\' {
			r, p, _ = decodeEscape(p)
		} else {
			var n int
			r, n = utf8.DecodeRune(p)
			p = p[n:]
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
