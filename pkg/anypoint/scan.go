package anypoint

import (
	"encoding/binary"
	"math/bits"
)

// peek returns the next byte that is not white space and leaves it unread.
func (s *splitter) peek() (byte, error) {
	for {
		for s.r < s.end {
			c := s.buf[s.r]
			if c > ' ' {
				return c, nil
			}
			if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
				return 0, s.bad("control character")
			}
			s.r++
		}
		if err := s.refill(); err != nil {
			return 0, err
		}
	}
}

// expect reads past want.
func (s *splitter) expect(want byte, otherwise string) error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	if c != want {
		return s.bad(otherwise)
	}
	s.r++
	return nil
}

// take keeps the next byte.
func (s *splitter) take() {
	s.buf[s.w] = s.buf[s.r]
	s.w++
	s.r++
}

// keepTo keeps what is unread before buf[i].
func (s *splitter) keepTo(i int) {
	if s.w != s.r {
		copy(s.buf[s.w:], s.buf[s.r:i])
	}
	s.w += i - s.r
	s.r = i
}

// value reads one value of any kind and checks all of its grammar (RFC 8259).
func (s *splitter) value() error {
	s.stack = s.stack[:0]
	for {
		c, err := s.peek()
		if err != nil {
			return err
		}
		switch c {
		case '"':
			err = s.str()
		case '{', '[':
			empty, err := s.open(c)
			if err != nil {
				return err
			}
			if !empty {
				continue
			}
		case 't':
			err = s.literal("true")
		case 'f':
			err = s.literal("false")
		case 'n':
			err = s.literal("null")
		default:
			err = s.number()
		}
		if err != nil {
			return err
		}
		if more, err := s.closeLevels(); err != nil || !more {
			return err
		}
	}
}

// open reads an opening bracket and, in an object, the first key. An empty
// object or array is read to its end.
func (s *splitter) open(c byte) (empty bool, err error) {
	if s.base+len(s.stack) >= maxDepth {
		return false, s.bad("nested too deep")
	}
	closing := c + 2 // '[' + 2 == ']', '{' + 2 == '}'
	s.take()
	next, err := s.peek()
	if err != nil {
		return false, err
	}
	if next == closing {
		s.take()
		return true, nil
	}
	s.stack = append(s.stack, closing)
	if c == '{' {
		return false, s.key()
	}
	return false, nil
}

// closeLevels follows a value: it reads closing brackets, and then either a
// comma (and key), after which another value must come, or nothing more.
func (s *splitter) closeLevels() (more bool, err error) {
	for n := len(s.stack); n > 0; n-- {
		c, err := s.peek()
		if err != nil {
			return false, err
		}
		closing := s.stack[n-1]
		if c == ',' {
			s.take()
			if closing == '}' {
				return true, s.key()
			}
			return true, nil
		}
		if c != closing {
			return false, s.bad("want , or a closing bracket")
		}
		s.take()
		s.stack = s.stack[:n-1]
	}
	return false, nil
}

// key reads a key and its colon.
func (s *splitter) key() error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	if c != '"' {
		return s.bad("want a key")
	}
	if err := s.str(); err != nil {
		return err
	}
	if c, err = s.peek(); err != nil {
		return err
	}
	if c != ':' {
		return s.bad("want :")
	}
	s.take()
	return nil
}

// str reads a string. Its bytes are not looked at beyond what the grammar
// asks, so that ill-formed UTF-8 passes as it came.
func (s *splitter) str() error {
	for i := s.r + 1; ; {
		i = plain(s.buf[:s.end], i)
		if i == s.end {
			s.keepTo(i)
			if err := s.refill(); err != nil {
				return err
			}
			i = s.r
			continue
		}
		switch s.buf[i] {
		case '"':
			s.keepTo(i + 1)
			return nil
		case '\\':
			s.keepTo(i)
			if err := s.escape(); err != nil {
				return err
			}
			i = s.r
		default:
			s.keepTo(i)
			return s.bad("control character in a string")
		}
	}
}

// escape reads the escape sequence that comes next.
func (s *splitter) escape() error {
	if err := s.atLeast(2); err != nil {
		return err
	}
	switch s.buf[s.r+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.keepTo(s.r + 2)
		return nil
	case 'u':
		if err := s.atLeast(6); err != nil {
			return err
		}
		for _, c := range s.buf[s.r+2 : s.r+6] {
			if lower := c | 0x20; !isDigit(c) && (lower < 'a' || lower > 'f') {
				return s.bad("bad \\u escape")
			}
		}
		s.keepTo(s.r + 6)
		return nil
	}
	return s.bad("unknown escape")
}

// atLeast makes n bytes from r on available.
func (s *splitter) atLeast(n int) error {
	for s.end-s.r < n {
		if err := s.refill(); err != nil {
			return err
		}
	}
	return nil
}

func (s *splitter) literal(want string) error {
	if err := s.atLeast(len(want)); err != nil {
		return err
	}
	if string(s.buf[s.r:s.r+len(want)]) != want {
		return s.bad("want " + want)
	}
	s.keepTo(s.r + len(want))
	return nil
}

// plain returns the index of the first byte of b, from i on, that is a quote,
// a backslash or a control character; len(b) if there is none. It looks at
// eight bytes at once: (x-0x01…)&^x has the top bit of x's lowest zero byte
// set, (x-0x20…)&^x that of its lowest byte below 0x20. Bits above the lowest
// may be wrong, through the borrow, but only the lowest counts.
func plain(b []byte, i int) int {
	const (
		ones   = 0x0101010101010101
		tops   = 0x80 * ones
		quote  = '"' * ones
		slash  = '\\' * ones
		spaces = 0x20 * ones
	)
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		q, s := x^quote, x^slash
		if hit := ((x-spaces)&^x | (q-ones)&^q | (s-ones)&^s) & tops; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < 0x20 {
			return i
		}
	}
	return i
}
