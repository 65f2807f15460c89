package hec

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"

	"github.com/siemfeed/siemfeed/pkg/jsonscan"
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
// within strings is what audit logs are full of, so that a word with escapes is
// not read again for each: what is left of it is moved on behind the escape.
func appendRest(dst []byte, n int, s []byte, i int) ([]byte, int) {
	n += i
	invalid := 0
	nonASCII := uint64(highs) // bytes from 0x80 on stop the copy, until the rest is known to be valid
	checked := false          // once: checking at every character would be quadratic
	for i < len(s) {
		w, size := uint64(0), 8
		if i+8 <= len(s) {
			w = binary.LittleEndian.Uint64(s[i:])
		} else {
			w, size = last(s[i:])
		}
		binary.LittleEndian.PutUint64(dst[n:], w)
		stop := jsonscan.Special(w) | w&nonASCII
		if size < 8 {
			stop &= 1<<(8*size) - 1
		}
		if stop == 0 {
			i, n = i+size, n+size
			continue
		}
		if stop&w == 0 { // only escapes: at most six bytes each
			dst = room(dst, n, len(s)-i+6*8)
			i += size
			for stop != 0 {
				at := bits.TrailingZeros64(stop) & 0x38 // of the byte, in bits
				n += at / 8
				size -= at/8 + 1
				w, stop = w>>at, stop>>at>>8
				c := byte(w)
				w >>= 8
				if e := short[c&0x7f]; e != 0 {
					binary.LittleEndian.PutUint16(dst[n:], e)
					n += 2
				} else {
					n += escape(dst[n:], c)
				}
				binary.LittleEndian.PutUint64(dst[n:], w)
			}
			n += size
			continue
		}
		if !checked {
			checked = true
			if utf8.Valid(s[i:]) {
				nonASCII = 0
				continue
			}
		}
		clean := bits.TrailingZeros64(stop) / 8
		i, n = i+clean, n+clean
		if c := s[i]; c < utf8.RuneSelf {
			n += escape(dst[n:], c)
			i++
		} else {
			r, size := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && size == 1 {
				invalid++
			}
			n += utf8.EncodeRune(dst[n:], r)
			i += size
		}
		dst = room(dst, n, len(s)-i)
	}
	dst[n] = '"'
	return dst[:n+1], invalid
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

const hex = "0123456789abcdef"

// short are the escapes of two bytes, lowest first.
var short = [128]uint16{
	'"': '\\' | '"'<<8, '\\': '\\' | '\\'<<8, '\n': '\\' | 'n'<<8, '\r': '\\' | 'r'<<8, '\t': '\\' | 't'<<8,
}

// escape writes the escape of c to dst and returns its length.
func escape(dst []byte, c byte) int {
	if e := short[c&0x7f]; e != 0 {
		binary.LittleEndian.PutUint16(dst, e)
		return 2
	}
	return copy(dst, []byte{'\\', 'u', '0', '0', hex[c>>4], hex[c&0xf]})
}

// AppendTime appends an event's time as decimal seconds since 1970 with exactly
// nine decimals, or none without hasNs. Text is built rather than a float64,
// which cannot hold nanoseconds of this century.
func AppendTime(dst []byte, sec, ns uint32, hasNs bool) []byte {
	const second = 1_000_000_000
	s := uint64(sec)
	if hasNs {
		s += uint64(ns / second)
	}
	var digits [20]byte
	n := len(digits)
	for {
		n--
		digits[n] = byte('0' + s%10)
		if s /= 10; s == 0 {
			break
		}
	}
	dst = append(dst, digits[n:]...)
	if !hasNs {
		return dst
	}
	frac := [10]byte{0: '.'}
	ns %= second
	for i := 9; i > 0; i-- {
		frac[i] = byte('0' + ns%10)
		ns /= 10
	}
	return append(dst, frac[:]...)
}
