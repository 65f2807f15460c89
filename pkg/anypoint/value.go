package anypoint

import (
	"bufio"
	"io"
)

// value reads the bytes of one JSON value and ends behind them. It looks at
// quotes and brackets alone: whether the value follows the grammar is for
// encoding/json to say, which needs to hold it, and this is how a value that is
// too long to hold, or is no JSON, is told apart from what follows.
type value struct {
	in     *bufio.Reader
	depth  int
	quoted bool // inside a string
	escape bool // behind a backslash in it
	spaced bool // white space was seen between tokens
	done   bool
	err    error // of in
}

// Read implements [io.Reader]. It returns io.EOF at the value's end, and
// errCutShort where the answer ends inside the value.
func (v *value) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	if v.done {
		return 0, io.EOF
	}
	if _, err := v.in.Peek(1); err != nil {
		v.err = cutShort(err)
		return 0, v.err
	}
	b, _ := v.in.Peek(min(v.in.Buffered(), len(p))) // what is there already
	n := copy(p, b[:v.scan(b)])
	_, _ = v.in.Discard(n)
	if n == 0 && v.done {
		return 0, io.EOF
	}
	return n, nil
}

// scan returns how many of the next bytes belong to the value.
func (v *value) scan(b []byte) int {
	for i, c := range b {
		if v.quoted {
			switch {
			case v.escape:
				v.escape = false
			case c == '\\':
				v.escape = true
			case c == '"':
				if v.quoted = false; v.depth == 0 {
					v.done = true
					return i + 1
				}
			}
			continue
		}
		switch c {
		case '"':
			v.quoted = true
		case '{', '[':
			v.depth++
		case '}', ']':
			if v.depth == 0 { // of what surrounds a number or literal
				v.done = true
				return i
			}
			if v.depth--; v.depth == 0 {
				v.done = true
				return i + 1
			}
		case ',', ':', ' ', '\n', '\t', '\r':
			if v.depth == 0 {
				v.done = true
				return i
			}
			v.spaced = v.spaced || c <= ' '
		}
	}
	return len(b)
}
