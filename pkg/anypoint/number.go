package anypoint

// number reads a number; anything that is not one is an error.
func (s *splitter) number() error {
	n := 0
	for {
		for s.r+n < s.end && isNumber[s.buf[s.r+n]] {
			n++
		}
		if s.r+n < s.end {
			break
		}
		if err := s.refill(); err != nil {
			return err // inside an object, a number is never the last thing
		}
	}
	if !validNumber(s.buf[s.r : s.r+n]) {
		return s.bad("want a value")
	}
	s.keepTo(s.r + n)
	return nil
}

var isNumber = [256]bool{
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true,
	'7': true, '8': true, '9': true, '-': true, '+': true, '.': true, 'e': true, 'E': true,
}

// validNumber checks -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
func validNumber(b []byte) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(b) && isDigit(b[i]) {
			i++
		}
		return i > from
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return false
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(b)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
