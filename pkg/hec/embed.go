package hec

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// AppendJSON appends s to dst if it is a JSON object or array, so that it can
// stand where a value is wanted; otherwise ok is false, and dst is as it was.
// White space around and between tokens is left out: an event is one line. All
// else stays as it came, a name that occurs twice too, but for bytes that are
// not UTF-8, which are counted and become U+FFFD, as with [AppendString].
//
// Text that is JSON by its grammar and that readers yet fail on does not pass:
// nesting beyond 100 levels (serde_json takes 128), unpaired surrogates and
// numbers beyond a float64 (RFC 7493 §2.1 and §2.2).
//
// This is a scanner of its own because [encoding/json.Valid] takes ten times as
// long for an audit event of 1 KB (140 MB/s, and nothing is copied by then;
// this 1,450, which is what it takes to write a string).
func AppendJSON(dst, s []byte) (out []byte, invalid int, ok bool) {
	i := 0
	for i < len(s) && isSpace(s[i]) {
		i++
	}
	if i == len(s) || s[i] != '{' && s[i] != '[' {
		return dst, 0, false
	}
	n := len(dst)
	dst = room(dst, n, len(s))
	end := n + copy(dst[n:], s)
	binary.LittleEndian.PutUint64(dst[end:], 0)
	v := jsonText{b: dst[n : end+8], spaced: i > 0}
	if i = v.nested(i, 1); i < 0 || v.space(i) != len(s) {
		return dst[:n], 0, false
	}
	if v.spaced {
		end = n + compact(dst[n:end])
	}
	if v.nonASCII != 0 && !utf8.Valid(dst[n:end]) {
		dst, invalid = appendRepaired(dst[:n], bytes.Clone(dst[n:end]))
		return dst, invalid, true
	}
	return dst[:end], 0, true
}

// maxNesting is how deep an object or array may go.
const maxNesting = 100

// jsonText is text to be checked, followed by eight zero bytes. JSON allows none
// anywhere, so that they stop every scan: no other bound is looked at. A scan
// returns the position behind what it read, or -1.
type jsonText struct {
	b        []byte
	spaced   bool   // holds white space between tokens
	nonASCII uint64 // not zero if any string holds bytes from 0x80 on
}

// nested reads an object or array.
func (v *jsonText) nested(i, depth int) int {
	if depth > maxNesting {
		return -1
	}
	isObject := v.b[i] == '{'
	closing := v.b[i] + 2 // '{' and '}', '[' and ']' are two apart
	if i = v.space(i + 1); v.b[i] == closing {
		return i + 1
	}
	for {
		if isObject {
			if v.b[i] != '"' {
				return -1
			}
			if i = v.text(i + 1); i < 0 {
				return -1
			}
			if i = v.space(i); v.b[i] != ':' {
				return -1
			}
			i = v.space(i + 1)
		}
		switch v.b[i] {
		case '"':
			i = v.text(i + 1)
		case '{', '[':
			i = v.nested(i, depth+1)
		case 't':
			i = v.word(i, "true")
		case 'f':
			i = v.word(i, "false")
		case 'n':
			i = v.word(i, "null")
		default:
			i = v.number(i)
		}
		if i < 0 {
			return -1
		}
		switch i = v.space(i); v.b[i] {
		case ',':
			i = v.space(i + 1)
		case closing:
			return i + 1
		default:
			return -1
		}
	}
}

// text reads a string behind its opening quote, eight bytes a step.
func (v *jsonText) text(i int) int {
	for {
		w := binary.LittleEndian.Uint64(v.b[i:])
		v.nonASCII |= w & highs // of what follows the string too, which does no harm
		stop := special(w)
		if stop == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(stop) / 8
		switch v.b[i] {
		case '"':
			return i + 1
		case '\\':
			if i = v.escape(i + 1); i < 0 {
				return -1
			}
		default:
			return -1
		}
	}
}

// escape reads what follows a backslash.
func (v *jsonText) escape(i int) int {
	switch v.b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
	default:
		return -1
	}
	switch r := v.hex4(i + 1); {
	case r < 0, r >= 0xdc00 && r < 0xe000: // the second half of a pair
		return -1
	case r < 0xd800 || r >= 0xe000:
		return i + 5
	}
	i += 5
	if v.b[i] != '\\' || v.b[i+1] != 'u' {
		return -1
	}
	if r := v.hex4(i + 2); r < 0xdc00 || r >= 0xe000 {
		return -1
	}
	return i + 6
}

func (v *jsonText) hex4(i int) (r int) {
	for _, c := range v.b[i : i+4] {
		digit := int(c) - '0'
		if lower := c | 0x20; lower >= 'a' && lower <= 'f' {
			digit = int(lower) - 'a' + 10
		} else if digit < 0 || digit > 9 {
			return -1
		}
		r = r<<4 | digit
	}
	return r
}

func (v *jsonText) word(i int, word string) int {
	if string(v.b[i:min(i+len(word), len(v.b))]) != word {
		return -1
	}
	return i + len(word)
}

// Numbers of up to maxInteger digits before the point, and of up to maxExponent
// in a positive exponent, are below 1e300 and so within a float64.
const (
	maxInteger  = 200
	maxExponent = 2
)

func (v *jsonText) number(i int) int {
	if v.b[i] == '-' {
		i++
	}
	from := i
	if i = v.digits(i); i < 0 || v.b[from] == '0' && i > from+1 || i > from+maxInteger {
		return -1
	}
	if v.b[i] == '.' {
		if i = v.digits(i + 1); i < 0 {
			return -1
		}
	}
	if v.b[i]|0x20 != 'e' {
		return i
	}
	i++
	if v.b[i] == '-' {
		return v.digits(i + 1)
	}
	if v.b[i] == '+' {
		i++
	}
	from = i
	if i = v.digits(i); i > from+maxExponent {
		return -1
	}
	return i
}

// digits reads one or more.
func (v *jsonText) digits(i int) int {
	from := i
	for v.b[i] >= '0' && v.b[i] <= '9' {
		i++
	}
	if i == from {
		return -1
	}
	return i
}

// space skips white space.
func (v *jsonText) space(i int) int {
	if v.b[i] > ' ' {
		return i
	}
	return v.spaces(i)
}

func (v *jsonText) spaces(i int) int {
	for isSpace(v.b[i]) {
		v.spaced = true
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// compact moves the tokens of valid JSON together, and returns how long they are.
func compact(b []byte) int {
	n := 0
	inside := false // a string
	for i := 0; i < len(b); i++ {
		c := b[i]
		if !inside && isSpace(c) {
			continue
		}
		b[n] = c
		n++
		switch {
		case c == '"':
			inside = !inside
		case c == '\\': // only in strings; what it escapes is no quote of theirs
			i++
			b[n] = b[i]
			n++
		}
	}
	return n
}

// appendRepaired appends s with each byte that is not UTF-8 made U+FFFD, and
// returns how many there were.
func appendRepaired(dst, s []byte) (out []byte, invalid int) {
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		if r == utf8.RuneError && size == 1 {
			invalid++
		}
		dst = utf8.AppendRune(dst, r)
		s = s[size:]
	}
	return dst, invalid
}
