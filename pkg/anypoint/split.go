package anypoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	startBuffer = 64 << 10 // of a splitter; grows with the longest entry
	minRead     = 16 << 10 // the least room a read is given
	maxDepth    = 10_000   // of nesting; the same as encoding/json

	// MaxEntry is the longest entry accepted, in bytes of compacted JSON.
	MaxEntry = 16 << 20
)

var (
	errTooLong  = fmt.Errorf("an entry is longer than %d bytes", MaxEntry)
	errCutShort = errors.New("the JSON ends early")
)

// syntaxError is JSON that breaks the grammar, or is not an audit page.
type syntaxError struct {
	offset int64
	what   string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("bad JSON at byte %d: %s", e.offset, e.what)
}

// trailer is what an answer says besides its entries.
type trailer struct {
	entries int
	cursor  []byte // as JSON text, to be sent back as it came; nil when absent
	total   []byte // as JSON text; nil when absent
}

// splitter reads one audit page, {"data":[…],"cursor":…,"total":…}, and hands
// out the elements of data as they came, white space between tokens removed.
//
// It works inside one buffer:
//
//	buf: … | start … w |  gap  | r … end | free
//	        value kept  dropped  unread
//
// White space opens the gap; tokens are moved down over it. Without white space
// r equals w and nothing is moved at all.
type splitter struct {
	src  io.Reader
	err  error // of src, once it has one
	read int64 // bytes taken from src

	buf              []byte
	start, w, r, end int

	keep  bool   // false: the value in hand is only checked
	base  int    // nesting around the value in hand
	stack []byte // closing bracket of each level inside it
}

func (s *splitter) reset(src io.Reader) {
	if s.buf == nil {
		s.buf = make([]byte, startBuffer)
	}
	*s = splitter{src: src, buf: s.buf, stack: s.stack[:0]}
}

// page reads the whole answer. It calls entry for each element of data; the
// slice is valid during the call. The answer is only known to be complete and
// correct when page returns no error.
func (s *splitter) page(entry func(raw []byte) error) (trailer, error) {
	var t trailer
	err := s.object(&t, entry)
	if errors.Is(err, io.EOF) {
		err = errCutShort
	}
	if err != nil {
		return t, err
	}
	switch _, err := s.peek(); {
	case err == nil:
		return t, s.bad("text after the end")
	case !errors.Is(err, io.EOF):
		return t, err
	}
	return t, nil
}

func (s *splitter) object(t *trailer, entry func([]byte) error) error {
	if err := s.expect('{', "want an object"); err != nil {
		return err
	}
	c, err := s.peek()
	if err != nil {
		return err
	}
	hasData := false
	for first := true; c != '}'; first = false {
		if !first {
			if err := s.expect(',', "want , or }"); err != nil {
				return err
			}
		}
		name, err := s.name()
		if err != nil {
			return err
		}
		switch name {
		case "data":
			if hasData {
				return s.bad("data occurs twice")
			}
			hasData = true
			t.entries, err = s.array(entry)
		case "cursor":
			t.cursor, err = s.scalar()
		case "total":
			t.total, err = s.scalar()
		default:
			_, err = s.element(1, false)
		}
		if err != nil {
			return err
		}
		if c, err = s.peek(); err != nil {
			return err
		}
	}
	s.r++
	if !hasData {
		return s.bad("no data in it")
	}
	return nil
}

// name reads a key of the answer and its colon.
func (s *splitter) name() (string, error) {
	c, err := s.peek()
	if err != nil {
		return "", err
	}
	if c != '"' {
		return "", s.bad("want a key")
	}
	key, err := s.element(1, true)
	if err != nil {
		return "", err
	}
	name := "" // any other key, without allocating
	for _, known := range []string{"data", "cursor", "total"} {
		if isKey(key, known) {
			name = known
		}
	}
	return name, s.expect(':', "want :")
}

// isKey tells whether quoted, a JSON string, spells name, also when escaped.
func isKey(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name
	}
	var s string
	return json.Unmarshal(quoted, &s) == nil && s == name
}

func (s *splitter) array(entry func([]byte) error) (int, error) {
	if err := s.expect('[', "data is not an array"); err != nil {
		return 0, err
	}
	c, err := s.peek()
	if err != nil {
		return 0, err
	}
	n := 0
	for ; c != ']'; n++ {
		if n > 0 {
			if err := s.expect(',', "want , or ]"); err != nil {
				return n, err
			}
		}
		raw, err := s.element(2, true)
		if err != nil {
			return n, err
		}
		if err := entry(raw); err != nil {
			return n, err
		}
		if c, err = s.peek(); err != nil {
			return n, err
		}
	}
	s.r++
	return n, nil
}

// scalar returns a copy of a value that is no object or array; nil for null.
func (s *splitter) scalar() ([]byte, error) {
	raw, err := s.element(1, true)
	switch {
	case err != nil:
		return nil, err
	case raw[0] == '{' || raw[0] == '[':
		return nil, s.bad("cursor or total is not a scalar")
	case string(raw) == "null":
		return nil, nil
	}
	return bytes.Clone(raw), nil
}

// element reads one value that lies base levels deep. What it returns is
// valid until the next read, and only if keep is set.
func (s *splitter) element(base int, keep bool) ([]byte, error) {
	s.start, s.w = s.r, s.r // lets go of the value before
	s.keep = false
	if _, err := s.peek(); err != nil {
		return nil, err
	}
	s.start, s.w = s.r, s.r
	s.base, s.keep = base, keep
	err := s.value()
	raw := s.buf[s.start:s.w:s.w]
	s.start, s.w, s.keep = s.r, s.r, false
	if err == nil && len(raw) > MaxEntry {
		err = errTooLong
	}
	return raw, err
}

// refill reads more from src behind what is unread. It keeps buf[start:w] of a
// value that is kept, and buf[r:end].
func (s *splitter) refill() error {
	if s.err != nil {
		return s.err
	}
	if !s.keep {
		s.w = s.start
	}
	if s.start > 0 || s.w < s.r {
		kept := copy(s.buf, s.buf[s.start:s.w])
		rest := copy(s.buf[kept:], s.buf[s.r:s.end])
		s.start, s.w, s.r, s.end = 0, kept, kept, kept+rest
	}
	if s.end > MaxEntry {
		return errTooLong
	}
	if len(s.buf)-s.end < minRead {
		larger := make([]byte, 2*len(s.buf))
		copy(larger, s.buf[:s.end])
		s.buf = larger
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		s.read += int64(n)
		s.err = err
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	s.err = io.ErrNoProgress
	return s.err
}

// bad is a syntax error at the next unread byte.
func (s *splitter) bad(what string) error {
	return &syntaxError{s.read - int64(s.end-s.r), what}
}
