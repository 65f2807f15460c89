package hec

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
	"unsafe"
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
// may overshoot, the longest escape and the closing quote.
const slack = 16

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// appendString copies eight bytes a step and looks at them on the way. It
// stores the whole word first and then keeps as much of it as was plain.
func appendString(dst, s []byte) ([]byte, int) {
	n, invalid := len(dst), 0
	dst = room(dst, n, len(s))
	dst[n] = '"'
	n++
	nonASCII := uint64(highs) // bytes from 0x80 on stop the copy, until the rest is known to be valid
	checked := false          // once: checking at every character would be quadratic
	for i := 0; i < len(s); {
		w, size := uint64(0), 8
		if i+8 <= len(s) {
			w = binary.LittleEndian.Uint64(s[i:])
		} else {
			w, size = last(s[i:])
		}
		binary.LittleEndian.PutUint64(dst[n:], w)
		stop := special(w) | w&nonASCII
		if stop == 0 { // a short word has zeros, which are special
			i, n = i+8, n+8
			continue
		}
		clean := min(bits.TrailingZeros64(stop)/8, size)
		i, n = i+clean, n+clean
		if clean == size {
			continue
		}
		if c := s[i]; c < utf8.RuneSelf {
			n += escape(dst[n:], c)
			i++
		} else {
			if !checked {
				checked = true
				if utf8.Valid(s[i:]) {
					nonASCII = 0
					continue
				}
			}
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

// special marks, by its high bit, the first byte of w (lowest first) that JSON
// wants escaped: below the space, quote, backslash. x-ones borrows into the
// high bit of a byte of x that is 0; &^x drops bytes whose high bit was set
// before. A borrow may mark bytes above the first, so only that one counts.
func special(w uint64) uint64 {
	quote, slash := w^('"'*ones), w^('\\'*ones)
	return ((w-' '*ones)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}

const hex = "0123456789abcdef"

// escape writes the escape of c to dst and returns its length.
func escape(dst []byte, c byte) int {
	dst[0] = '\\'
	switch c {
	case '"', '\\':
		dst[1] = c
	case '\n':
		dst[1] = 'n'
	case '\r':
		dst[1] = 'r'
	case '\t':
		dst[1] = 't'
	default:
		return copy(dst, []byte{'\\', 'u', '0', '0', hex[c>>4], hex[c&0xf]})
	}
	return 2
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
