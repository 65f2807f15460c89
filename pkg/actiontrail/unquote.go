package actiontrail

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// plain returns what a string stands for, s being what lies between its quotes,
// which was scanned. Nearly always that is s itself.
func (d *Decoder) plain(s []byte) []byte {
	if bytes.IndexByte(s, '\\') < 0 && utf8.Valid(s) {
		return s[:len(s):len(s)]
	}
	from := len(d.more)
	d.more = unquote(d.more, s)
	return d.more[from:len(d.more):len(d.more)]
}

// unquote appends what s stands for. What is no UTF-8, and each half of a
// surrogate pair that stands alone, becomes U+FFFD, as in encoding/json.
func unquote(dst, s []byte) []byte {
	for len(s) > 0 {
		if s[0] != '\\' {
			r, n := utf8.DecodeRune(s)
			dst, s = utf8.AppendRune(dst, r), s[n:]
			continue
		}
		c := s[1]
		s = s[2:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(s)
			s = s[4:]
			if utf16.IsSurrogate(r) {
				pair := rune(utf8.RuneError)
				if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
					pair = utf16.DecodeRune(r, hex4(s[2:]))
				}
				if r = pair; r != utf8.RuneError {
					s = s[6:]
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// hex4 reads four hexadecimal digits, which were scanned.
func hex4(s []byte) (r rune) {
	for _, c := range s[:4] {
		digit := rune(c) - '0'
		if c > '9' {
			digit = rune(c|0x20) - 'a' + 10
		}
		r = r<<4 | digit
	}
	return r
}
