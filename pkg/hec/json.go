package hec

import (
	"encoding/binary"

	"slices"
	"unicode/utf8"
	"unsafe"

	"github.com/siemfeed/siemfeed/pkg/jsonscan"
	"github.com/siemfeed/siemfeed/pkg/unaligned"
)

// AppendString appends s to dst as a JSON string, quotes included, and returns
// how many bytes of s were not valid UTF-8; each of those becomes U+FFFD, as
// encoding/json does it. Decoding the result gives s, so repaired. Nothing is
// escaped that JSON (RFC 8259 §7) does not demand.
func AppendString[T ~string | ~[]byte](dst []byte, s T) (out []byte, invalid int) {
	return appendString(dst, bytesOf(s))
}

// bytesOf views s as bytes without copying them; nothing here writes to them.
func bytesOf[T ~string | ~[]byte](s T) []byte {
	return unsafe.Slice(unsafe.StringData(*(*string)(unsafe.Pointer(&s))), len(s)) // #nosec G103 -- a slice header begins with a string header
}

// slack is what dst must hold beyond the rest of s: one eight-byte store that
// may overshoot, a repaired character and the closing quote.
const slack = 16

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// appendString copies eight bytes a step and looks at them on the way. Most
// strings are plain to their end; appendRest takes over where one is not.
func appendString(dst, s []byte) ([]byte, int) {
	n := len(dst)
	dst = room(dst, n, len(s))
	dst[n] = '"'
	n++
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64(s[i:])
		binary.LittleEndian.PutUint64(dst[n+i:], w)
		if unplain(w) != 0 {
			return appendRest(dst, n, s, i)
		}
	}
	switch {
	case i == len(s):
	case i > 0: // the last eight bytes, some for the second time
		w := binary.LittleEndian.Uint64(s[len(s)-8:])
		binary.LittleEndian.PutUint64(dst[n+len(s)-8:], w)
		if unplain(w) != 0 {
			return appendRest(dst, n, s, i)
		}
	default:
		w, size := last(s)
		binary.LittleEndian.PutUint64(dst[n:], w)
		if unplain(w|' '*ones<<(8*size)) != 0 {
			return appendRest(dst, n, s, i)
		}
	}
	n += len(s)
	dst[n] = '"'
	return dst[:n+1], 0
}

// appendRest goes on where the first i bytes of s were plain and lie at n. JSON
// within strings is what audit logs are full of: where there are escapes they are
// close together, in places that no processor foresees. To find each and to move on
// what is left of the word behind it takes longer, for the branches guessed wrong,
// than to look up every byte and write it at full width. Text in which there have
// been none for two words is copied as it is again.
func appendRest(dst []byte, n int, s []byte, i int) ([]byte, int) {
	n += i
	invalid := 0
	nonASCII := uint64(highs) // bytes from 0x80 on stop the copy, until the rest is known to be valid
	checked := false          // once: checking at every character would be quadratic
	plain := 0                // words in a row without an escape
	for i+8 <= len(s) {
		w := unaligned.Load64(s, i)
		if w&nonASCII != 0 {
			if !checked {
				checked = true
				if utf8.Valid(s[i:]) {
					nonASCII = 0
					continue
				}
			}
			var bad int
			dst, n, i, bad = appendRune(dst, n, s, i)
			invalid += bad
			continue
		}
		dst = room(dst, n, len(s)-i+6*8) // an escape is at most six bytes
		i += 8
		if plain >= 2 {
			unaligned.Store64(dst, n, w)
			if jsonscan.Special(w) == 0 {
				n += 8
				continue
			}
			plain = 0
		}
		was := n
		// Not a loop, which would take half as long again.
		e := escaped[byte(w)]
		unaligned.Store64(dst, n, e)
		n += int(e >> 56)
		e = escaped[byte(w>>8)]
		unaligned.Store64(dst, n, e)
		n += int(e >> 56)
		e = escaped[byte(w>>16)]
		unaligned.Store64(dst, n, e)
		n += int(e >> 56)
		e = escaped[byte(w>>24)]
		unaligned.Store64(dst, n, e)
		n += int(e >> 56)
		e = escaped[byte(w>>32)]
		unaligned.Store64(dst, n, e)
		n += int(e >> 56)
		e = escaped[byte(w>>40)]
		unaligned.Store64(dst, n, e)
		n += int(e >> 56)
		e = escaped[byte(w>>48)]
		unaligned.Store64(dst, n, e)
		n += int(e >> 56)
		e = escaped[byte(w>>56)]
		unaligned.Store64(dst, n, e)
		n += int(e >> 56)
		if plain++; n-was > 8 {
			plain = 0
		}
	}
	if i < len(s) {
		w, size := last(s[i:])
		if w&nonASCII == 0 {
			dst, i = room(dst, n, 6*8), len(s)
			for range size {
				e := escaped[byte(w)]
				unaligned.Store64(dst, n, e)
				n += int(e >> 56)
				w >>= 8
			}
		}
	}
	for i < len(s) {
		var bad int
		dst, n, i, bad = appendRune(dst, n, s, i)
		invalid += bad
	}
	dst[n] = '"'
	return dst[:n+1], invalid
}

// appendRune writes the character at s[i] to dst[n:], and returns where each is
// behind it, and 1 if it was a byte that is not UTF-8.
func appendRune(dst []byte, n int, s []byte, i int) (out []byte, nextN, nextI, invalid int) {
	dst = room(dst, n, len(s)-i+6)
	if c := s[i]; c < utf8.RuneSelf {
		e := escaped[c]
		unaligned.Store64(dst, n, e)
		return dst, n + int(e>>56), i + 1, 0
	}
	r, size := utf8.DecodeRune(s[i:])
	if r == utf8.RuneError && size == 1 {
		invalid = 1
	}
	return dst, n + utf8.EncodeRune(dst[n:], r), i + size, invalid
}

// last returns all of s, less than eight bytes and not empty, as a word, lowest
// first, and its length.
func last(s []byte) (w uint64, size int) {
	n := len(s)
	if n >= 4 { // two halves, which may overlap
		return uint64(binary.LittleEndian.Uint32(s)) | uint64(binary.LittleEndian.Uint32(s[n-4:]))<<(8*(n-4)), n
	}
	// First, middle and last, which may be one.
	return uint64(s[0]) | uint64(s[n/2])<<(8*(n/2)) | uint64(s[n-1])<<(8*(n-1)), n
}

// room returns dst, its first n bytes kept, long enough for rest bytes more.
func room(dst []byte, n, rest int) []byte {
	if cap(dst)-n < rest+slack {
		dst = slices.Grow(dst[:n], rest+slack)
	}
	return dst[:cap(dst)]
}

// unplain is not zero if a byte of w is not ASCII or wants to be escaped, but
// does not say which: x-ones borrows where a byte of x is 0, and what it does to
// the bytes above does not matter then.
func unplain(w uint64) uint64 {
	quote, slash := w^'"'*ones, w^'\\'*ones
	return (w | (w - ' '*ones) | (quote - ones) | (slash - ones)) & highs
}

// escaped is of each byte what stands for it in a JSON string, lowest first, and in
// the upper byte how long that is. Those of a character outside ASCII stand for
// themselves.
var escaped = func() (table [256]uint64) {
	const hex = "0123456789abcdef"
	short := map[int]byte{'"': '"', '\\': '\\', '\n': 'n', '\r': 'r', '\t': 't'}
	for c := range table {
		text := []byte{byte(c)}
		if e := short[c]; e != 0 {
			text = []byte{'\\', e}
		} else if c < ' ' {
			text = []byte{'\\', 'u', '0', '0', hex[c>>4], hex[c&0xf]}
		}
		var word [8]byte
		copy(word[:], text)
		word[7] = byte(len(text))
		table[c] = binary.LittleEndian.Uint64(word[:])
	}
	return table
}()

// AppendTime appends an event's time as decimal seconds since 1970 with exactly
// nine decimals, or none without hasNs. Text is built rather than a float64,
// which cannot hold nanoseconds of this century.
func AppendTime(dst []byte, sec, ns uint32, hasNs bool) []byte {
	const second = 1_000_000_000
	var text [24]byte
	n := len(text)
	s := uint64(sec)
	if hasNs {
		s += uint64(ns / second)
		ns %= second
		for range 4 {
			n -= 2
			*(*[2]byte)(text[n:]) = pairs[ns%100]
			ns /= 100
		}
		n -= 2
		text[n], text[n+1] = '.', byte('0'+ns)
	}
	for {
		n -= 2
		*(*[2]byte)(text[n:]) = pairs[s%100]
		if s /= 100; s == 0 {
			break
		}
	}
	if text[n] == '0' {
		n++
	}
	return append(dst, text[n:]...)
}

// pairs are two digits of each number below a hundred.
var pairs = func() (p [100][2]byte) {
	for i := range p {
		p[i] = [2]byte{byte('0' + i/10), byte('0' + i%10)}
	}
	return p
}()
