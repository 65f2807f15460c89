package objcsv

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const replacement = "\ufffd"

// sheet writes rows of CSV. Cells of any length pass through a buffer that
// does not grow with them. The first error sticks, see flush.
type sheet struct {
	dst      io.Writer
	buf      []byte
	out, max int64
	err      error
	// special are the flags of a cell that is more than a copy of its bytes.
	special  flags
	replaced int64
}

func (s *sheet) reset(dst io.Writer, maxOut int64, guard bool) {
	if s.buf == nil {
		s.buf = make([]byte, 0, chunk+chunk/4)
	}
	special := isEscaped | isNested | isBadUTF8 | isQuoted
	if guard {
		special |= isText
	}
	*s = sheet{dst: dst, buf: s.buf[:0], max: maxOut, special: special}
}

// write sends p to the output.
func (s *sheet) write(p []byte) {
	if s.err != nil || len(p) == 0 {
		return
	}
	if s.out+int64(len(p)) > s.max {
		s.err = fault(CodeOutputLimit, "the CSV is larger than %d bytes", s.max)
		return
	}
	n, err := s.dst.Write(p)
	s.out += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		s.err = fmt.Errorf("write output: %w", err)
	}
}

func (s *sheet) flush() error {
	s.write(s.buf)
	s.buf = s.buf[:0]
	return s.err
}

// put appends p, of any length, to b, the buffer in use.
func (s *sheet) put(b, p []byte) []byte {
	if len(p) > cap(b)-len(b) {
		s.write(b)
		b = b[:0]
		if len(p) > cap(b) {
			s.write(p)
			return b
		}
	}
	return append(b, p...)
}

// room makes sure that a few bytes can be appended without b growing. Handing
// them to put instead would allocate them, as the output might keep them.
func (s *sheet) room(b []byte) []byte {
	if cap(b)-len(b) < 16 {
		s.write(b)
		b = b[:0]
	}
	return b
}

// row writes one cell for each value.
func (s *sheet) row(line []byte, values []value) error {
	b := s.buf // in a local, appends need not store the slice each time
	for i := range values {
		if i > 0 {
			b = append(s.room(b), ',')
		}
		v := &values[i]
		text := line[v.start:v.end]
		if v.flags&s.special == 0 && len(text) < cap(b)-len(b) {
			b = append(b, text...)
		} else {
			b = s.cell(b, text, v.flags)
		}
	}
	b = s.room(b)
	if len(values) == 1 && values[0].start == values[0].end {
		b = append(b, `""`...) // an empty line is not a row
	}
	s.buf = append(b, '\n')
	if len(s.buf) >= chunk {
		return s.flush()
	}
	return s.err
}

func (s *sheet) cell(b, text []byte, f flags) []byte {
	guarded := f&s.special&isText != 0 && isFormula(text)
	quoted := f&isQuoted != 0
	b = s.room(b)
	if quoted {
		b = append(b, '"')
	}
	if guarded {
		b = append(b, '\'')
	}
	switch {
	case f&isNested != 0:
		b = s.nested(b, text, f)
	case f&isEscaped != 0:
		b = s.escaped(b, text, f)
	default:
		b = s.text(b, text, f)
	}
	if quoted {
		b = append(s.room(b), '"')
	}
	return b
}

// isFormula looks at a JSON string's first character, escaped or not.
func isFormula(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	r := rune(text[0])
	if r == '\\' {
		r, _, _ = decodeEscape(text)
	}
	return strings.ContainsRune("=+-@\t\r\n", r)
}

// text puts bytes that hold neither quotes nor escapes.
func (s *sheet) text(b, p []byte, f flags) []byte {
	if f&isBadUTF8 == 0 {
		return s.put(b, p)
	}
	for i := 0; i < len(p); {
		r, n := utf8.DecodeRune(p[i:])
		if r == utf8.RuneError && n == 1 {
			b = s.put(b, p[:i])
			b = append(s.room(b), replacement...)
			s.replaced++
			p, i = p[1+i:], 0
			continue
		}
		i += n
	}
	return s.put(b, p)
}

// escaped puts what a string's bytes mean.
func (s *sheet) escaped(b, p []byte, f flags) []byte {
	for {
		i := bytes.IndexByte(p, '\\')
		if i < 0 {
			return s.text(b, p, f)
		}
		b = s.text(b, p[:i], f)
		r, rest, ok := decodeEscape(p[i:])
		if !ok {
			s.replaced++
		}
		b = utf8.AppendRune(s.room(b), r)
		if r == '"' {
			b = append(b, '"')
		}
		p = rest
	}
}

// nested puts an object or array as compact JSON, its quotes doubled.
func (s *sheet) nested(b, p []byte, f flags) []byte {
	inside := false
	for {
		i := bytes.IndexByte(p, '"')
		part := p
		if i >= 0 {
			part = p[:i]
		}
		if inside || f&isSpaced == 0 {
			b = s.text(b, part, f)
		} else {
			for _, c := range part {
				if c != ' ' && c != '\t' && c != '\r' {
					b = append(s.room(b), c)
				}
			}
		}
		if i < 0 {
			return b
		}
		b = append(s.room(b), `""`...)
		if !inside || !endsInEscape(part) {
			inside = !inside
		}
		p = p[i+1:]
	}
}

// endsInEscape tells whether the quote behind p is escaped.
func endsInEscape(p []byte) bool {
	n := 0
	for n < len(p) && p[len(p)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// header writes the column names.
func (s *sheet) header(names []string, lineEnd string) {
	b := s.buf
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		guarded := s.special&isText != 0 && name != "" && strings.Contains("=+-@\t\r\n", name[:1])
		quoted := strings.ContainsAny(name, ",\"\r\n") || name != strings.Trim(name, " ") || name == "" && len(names) == 1
		if guarded {
			name = "'" + name
		}
		if quoted {
			name = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
		b = s.put(b, []byte(name))
	}
	s.buf = append(b, lineEnd...)
}
