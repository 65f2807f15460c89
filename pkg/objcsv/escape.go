package objcsv

import (
	"unicode/utf16"
	"unicode/utf8"
)

// unescaped maps the letter of a two-byte escape to what it means (RFC 8259 §7).
var unescaped = [256]byte{
	'"': '"', '\\': '\\', '/': '/',
	'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// decodeEscape decodes the valid escape at the start of p. Half of a surrogate
// pair becomes U+FFFD and ok is false.
func decodeEscape(p []byte) (r rune, rest []byte, ok bool) {
	if p[1] != 'u' {
		return rune(unescaped[p[1]]), p[2:], true
	}
	r, rest = hex4(p[2:]), p[6:]
	if !utf16.IsSurrogate(r) {
		return r, rest, true
	}
	if len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(rest[2:])); pair != utf8.RuneError {
			return pair, rest[6:], true
		}
	}
	return utf8.RuneError, rest, false
}

// hex4 reads four hexadecimal digits, or returns -1. It stops at the first
// byte that is none, so a line's '\n' bounds it.
func hex4(p []byte) rune {
	var r rune
	for i := range 4 {
		switch c := p[i]; {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}
