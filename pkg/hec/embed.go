package hec

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/siemfeed/siemfeed/pkg/jsonscan"
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
func AppendJSON(dst, s []byte) (out []byte, invalid int, ok bool) {
	i := 0
	for i < len(s) && jsonscan.IsSpace(s[i]) {
		i++
	}
	if i == len(s) || s[i] != '{' && s[i] != '[' {
		return dst, 0, false
	}
	n := len(dst)
	dst = room(dst, n, len(s))
	end := n + copy(dst[n:], s)
	binary.LittleEndian.PutUint64(dst[end:], 0)
	v := jsonscan.Text{B: dst[n : end+jsonscan.Pad], Portable: true, MaxNesting: maxNesting, Spaced: i > 0}
	if i = v.Nested(i, 1); i < 0 || v.Space(i) != len(s) {
		return dst[:n], 0, false
	}
	if v.Spaced {
		end = n + compact(dst[n:end])
	}
	if v.NonASCII != 0 && !utf8.Valid(dst[n:end]) {
		dst, invalid = appendRepaired(dst[:n], bytes.Clone(dst[n:end]))
		return dst, invalid, true
	}
	return dst[:end], 0, true
}

// maxNesting is how deep an object or array may go.
const maxNesting = 100

// compact moves the tokens of valid JSON together, and returns how long they are.
func compact(b []byte) int {
	n := 0
	inside := false // a string
	for i := 0; i < len(b); i++ {
		c := b[i]
		if !inside && jsonscan.IsSpace(c) {
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
