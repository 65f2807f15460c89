package objcsv

import "unicode/utf8"

// The scanners walk one line of JSON that ends in '\n', which occurs nowhere
// else in it. As '\n' is allowed in no token, it stops every scan: no other
// bound is checked. A scanner returns the position behind what it read, or
// ^position (negative) of the byte that is wrong.

// flags say what has to be done to a value's bytes to make a cell of them.
type flags uint8

const (
	isPresent flags = 1 << iota // the record has this field
	isText                      // a string, see Options.FormulaGuard
	isEscaped                   // has escapes to decode
	isNested                    // an object or array: quotes inside are literal
	isSpaced                    // nested with white space to drop
	isBadUTF8                   // has bytes to replace
	isQuoted                    // the cell needs quotes
)

// maxDepth is that of encoding/json.
const maxDepth = 10000

// Classes of a byte inside a string. Those from stop on end a span.
const (
	plain    = 0
	comma    = 1
	nonASCII = 2
	stop     = 4
)

var class = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c < ' ', c == '"', c == '\\':
			t[c] = stop
		case c >= utf8.RuneSelf:
			t[c] = nonASCII
		case c == ',':
			t[c] = comma
		}
	}
	return t
}()

func skipSpace(line []byte, i int) int {
	for line[i] == ' ' || line[i] == '\t' || line[i] == '\r' {
		i++
	}
	return i
}

// scanString starts behind the opening quote and returns the position of the
// closing one.
func scanString(line []byte, i int) (int, flags) {
	start, seen, f := i, uint8(0), isText
	for {
		c := class[line[i]]
		for c < stop {
			seen |= c
			i++
			c = class[line[i]]
		}
		if line[i] != '\\' {
			break
		}
		n, quoted := scanEscape(line, i)
		if n < 0 {
			return n, 0
		}
		i = n
		f |= isEscaped | quoted
	}
	if line[i] != '"' {
		return ^i, 0
	}
	if seen&comma != 0 || i > start && (line[start] == ' ' || line[i-1] == ' ') {
		f |= isQuoted
	}
	if seen&nonASCII != 0 && !utf8.Valid(line[start:i]) {
		f |= isBadUTF8
	}
	return i, f
}

// scanEscape also tells whether what is escaped calls for a quoted cell.
func scanEscape(line []byte, i int) (int, flags) {
	c := line[i+1]
	r, next := rune(unescaped[c]), i+2
	if c == 'u' {
		r, next = hex4(line[i+2:]), i+6
		if r < 0 {
			return ^i, 0
		}
	} else if r == 0 {
		return ^(i + 1), 0
	}
	switch r {
	case ',', '"', '\r', '\n', ' ':
		return next, isQuoted
	}
	return next, 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func skipDigits(line []byte, i int) int {
	if !isDigit(line[i]) {
		return ^i
	}
	for isDigit(line[i]) {
		i++
	}
	return i
}

func scanNumber(line []byte, i int) int {
	if line[i] == '-' {
		i++
	}
	if line[i] == '0' {
		i++
	} else if i = skipDigits(line, i); i < 0 {
		return i
	}
	if line[i] == '.' {
		if i = skipDigits(line, i+1); i < 0 {
			return i
		}
	}
	if line[i] == 'e' || line[i] == 'E' {
		i++
		if line[i] == '+' || line[i] == '-' {
			i++
		}
		return skipDigits(line, i)
	}
	return i
}

func scanLiteral(line []byte, i int, word string) int {
	for j := range len(word) {
		if line[i] != word[j] {
			return ^i
		}
		i++
	}
	return i
}

// scanScalar reads a number, true, false or null.
func scanScalar(line []byte, i int) int {
	switch line[i] {
	case 't':
		return scanLiteral(line, i, "true")
	case 'f':
		return scanLiteral(line, i, "false")
	case 'n':
		return scanLiteral(line, i, "null")
	}
	return scanNumber(line, i)
}

// scanNested reads an object or array, at depth levels below the line's top.
func scanNested(line []byte, i, depth int) (int, flags) {
	if depth > maxDepth {
		return ^i, 0
	}
	object := line[i] == '{'
	closing := line[i] + 2 // '{' and '}', '[' and ']' are two apart
	f := isNested
	i = spaced(line, i+1, &f)
	if line[i] == closing {
		return i + 1, f
	}
	for {
		if object {
			if line[i] != '"' {
				return ^i, 0
			}
			if i = nestedString(line, i, &f); i < 0 {
				return i, 0
			}
			if i = spaced(line, i, &f); line[i] != ':' {
				return ^i, 0
			}
			i = spaced(line, i+1, &f)
		}
		switch line[i] {
		case '"':
			i = nestedString(line, i, &f)
		case '{', '[':
			var inner flags
			i, inner = scanNested(line, i, depth+1)
			f |= inner
		default:
			i = scanScalar(line, i)
		}
		if i < 0 {
			return i, 0
		}
		switch i = spaced(line, i, &f); line[i] {
		case closing:
			return i + 1, f
		case ',':
			f |= isQuoted
			i = spaced(line, i+1, &f)
		default:
			return ^i, 0
		}
	}
}

func nestedString(line []byte, i int, f *flags) int {
	end, s := scanString(line, i+1)
	if end < 0 {
		return end
	}
	*f |= isQuoted | s&isBadUTF8
	return end + 1
}

func spaced(line []byte, i int, f *flags) int {
	next := skipSpace(line, i)
	if next > i {
		*f |= isSpaced
	}
	return next
}
