package objcsv

import (
	"bytes"
	"errors"
	"io"
)

// chunk is what is read and written at a time. It fits a core's second-level
// cache together with the 32 KiB window of deflate.
const chunk = 64 << 10

var errTooLong = errors.New("record too long")

// lines cuts the decompressed stream into lines without copying them.
type lines struct {
	r        io.Reader
	buf      []byte // buf[pos:end] is read and not handed out; one byte is kept spare
	pos, end int
	base     int64 // offset of buf[0] in the stream
	line     int64 // number of the line handed out last
	max      int
	err      error // why r gives no more
}

func (l *lines) reset(r io.Reader, maxLine int) {
	if l.buf == nil {
		l.buf = make([]byte, chunk+1)
	}
	*l = lines{r: r, buf: l.buf, max: maxLine}
}

// fill reads once more, behind what is not handed out yet, and leaves the
// stream's end or fault in l.err. Only a line longer than the buffer grows it.
func (l *lines) fill() {
	if l.pos > 0 {
		copy(l.buf, l.buf[l.pos:l.end])
		l.base += int64(l.pos)
		l.pos, l.end = 0, l.end-l.pos
	}
	if l.end == len(l.buf)-1 {
		grown := make([]byte, min(2*len(l.buf), l.max+2*chunk))
		copy(grown, l.buf[:l.end])
		l.buf = grown
	}
	var n int
	n, l.err = l.r.Read(l.buf[l.end:min(l.end+chunk, len(l.buf)-1)])
	l.end += n
}

// window fills the first chunk, for a look ahead.
func (l *lines) window() []byte {
	for l.err == nil && l.end-l.pos < chunk {
		l.fill()
	}
	return l.buf[l.pos:l.end]
}

// next returns the next line, valid until the following call. It always ends
// in '\n', also where the stream does not: the walker needs no other bound.
// After errTooLong, record gives what next could not.
func (l *lines) next() ([]byte, error) {
	l.line++
	for seen := 0; ; {
		if i := bytes.IndexByte(l.buf[l.pos+seen:l.end], '\n'); i >= 0 {
			return l.take(seen + i + 1)
		}
		if seen = l.end - l.pos; seen > l.max {
			return nil, errTooLong
		}
		if l.err == nil {
			l.fill()
			continue
		}
		if !isEnd(l.err) || seen == 0 {
			return nil, l.err
		}
		l.buf[l.end] = '\n' // the spare byte
		l.end++
	}
}

func (l *lines) take(n int) ([]byte, error) {
	if n-1 > l.max {
		return nil, errTooLong
	}
	l.pos += n
	return l.buf[l.pos-n : l.pos], nil
}

// untake puts back the line of n bytes that next returned last.
func (l *lines) untake(n int) { l.pos -= n }

func (l *lines) offset() int64 { return l.base + int64(l.pos) }

// record streams the line at the current position, however long, without its
// '\n', and moves behind it.
type record struct {
	l    *lines
	done bool
}

func (r *record) Read(p []byte) (int, error) {
	l := r.l
	for !r.done && l.pos == l.end {
		if l.err != nil {
			r.done = isEnd(l.err)
			return 0, l.err
		}
		l.fill()
	}
	if r.done {
		return 0, io.EOF
	}
	n := copy(p, l.buf[l.pos:l.end])
	if i := bytes.IndexByte(p[:n], '\n'); i >= 0 {
		n, r.done = i, true
		l.pos++
	}
	l.pos += n
	return n, nil
}
