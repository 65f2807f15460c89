package anypoint

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	readBuffer = 64 << 10
	ownBuffer  = 1 << 20 // the longest entry for which a page has room of its own
)

// room is what holds an entry longer than ownBuffer. A client has one for all of
// its queries, which take turns: its memory is that of one such entry, however
// many pages are read side by side.
type room chan []byte

func newRoom() room {
	r := make(room, 1)
	r <- nil
	return r
}

var errCutShort = errors.New("the JSON ends early")

// cutShort names the end of an answer that comes too early.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return errCutShort
	}
	return err
}

// syntaxError is JSON that breaks the grammar, or is not an audit page.
type syntaxError struct {
	offset int64
	what   string
}

func (e *syntaxError) Error() string {
	return fmt.Sprintf("bad JSON at byte %d: %s", e.offset, e.what)
}

// Rejected is an entry that cannot be handed out.
type Rejected struct {
	// Code is one of the codes below; Reason tells people.
	Code, Reason string
	// Page, from 1, and Index, from 0, are where the query found it.
	Page, Index int
	// Record reads the entry as it was received. It is valid during the call,
	// may be of any length, and need not be read. It fails when the answer
	// breaks off, and the page is then read again whatever the handler returns.
	Record io.Reader

	start []byte // of the record, or all of it
}

// Timestamp is [Timestamp] of the entry, as far as its beginning tells.
func (r Rejected) Timestamp() (ms int64, ok bool) { return Timestamp(r.start) }

// Codes of rejected entries.
const (
	TooLong   = "record_too_long"
	NotObject = "not_object"
	Malformed = "malformed_json"
)

// trailer is what an answer says besides its entries.
type trailer struct {
	entries int    // rejected ones included
	cursor  []byte // as JSON text, to be sent back as it came; nil when absent
	total   []byte // as JSON text; nil when absent
}

// page reads one audit page, {"data":[…],"cursor":…,"total":…}. It holds one
// element of data at a time.
type page struct {
	in      *bufio.Reader
	src     counted
	max     int    // the longest entry
	held    []byte // the value in hand
	own     []byte // what held is when it is not the room
	inRoom  bool
	room    room
	ctx     context.Context // of the wait for the room
	compact bytes.Buffer
	entry   func(raw []byte) error
	reject  func(Rejected) error
}

// counted counts what is read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// reset makes p read src: entry is called with each element of data that is an
// object, only white space between tokens removed, valid during the call; and
// reject with each that is longer than max, no object, or no JSON.
func (p *page) reset(ctx context.Context, src io.Reader, room room, limit int, entry func([]byte) error, reject func(Rejected) error) {
	p.src = counted{Reader: src}
	if p.in == nil {
		p.in = bufio.NewReaderSize(nil, readBuffer)
	}
	p.in.Reset(&p.src)
	p.ctx, p.room, p.max, p.entry, p.reject = ctx, room, limit, entry, reject
}

// grow makes more room for the value in hand, most bytes of it at the most.
func (p *page) grow(most int) error {
	size := min(max(2*cap(p.held), readBuffer), most)
	if size <= ownBuffer {
		larger := make([]byte, len(p.held), size)
		copy(larger, p.held)
		p.held = larger
		return nil
	}
	select {
	case larger := <-p.room:
		if cap(larger) < most {
			larger = make([]byte, 0, most)
		}
		p.own, p.held, p.inRoom = p.held, append(larger[:0], p.held...), true
		return nil
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
}

// leave gives the room back, if the value in hand is in it.
func (p *page) leave() {
	if !p.inRoom {
		return
	}
	if p.compact.Cap() > ownBuffer {
		p.compact = bytes.Buffer{}
	}
	p.room <- p.held[:0]
	p.held, p.own, p.inRoom = p.own, nil, false
}

// parse reads the whole answer. That it is complete and correct is known only
// when parse returns no error.
func (p *page) parse() (trailer, error) {
	var t trailer
	if err := p.object(&t); err != nil {
		return t, err
	}
	switch _, err := p.peek(); {
	case err == nil:
		return t, p.bad("text after the end")
	case !errors.Is(err, errCutShort):
		return t, err
	}
	return t, nil
}

func (p *page) object(t *trailer) error {
	if err := p.expect('{', "want an object"); err != nil {
		return err
	}
	hasData := false
	err := p.list('}', func(int) error {
		name, err := p.name()
		if err != nil {
			return err
		}
		switch name {
		case "data":
			if hasData {
				return p.bad("data occurs twice")
			}
			hasData = true
			if err := p.expect('[', "data is not an array"); err != nil {
				return err
			}
			return p.list(']', func(i int) error {
				t.entries++
				return p.element(i)
			})
		case "cursor":
			t.cursor, err = p.scalar()
		case "total":
			t.total, err = p.scalar()
		default:
			_, err = p.small()
		}
		return err
	})
	if err == nil && !hasData {
		return p.bad("no data in it")
	}
	return err
}

// list reads what stands between commas up to the closing bracket.
func (p *page) list(closing byte, item func(i int) error) error {
	c, err := p.peek()
	for i := 0; err == nil && c != closing; i++ {
		if i > 0 {
			if err := p.expect(',', "want , or a closing bracket"); err != nil {
				return err
			}
		}
		if err := item(i); err != nil {
			return err
		}
		c, err = p.peek()
	}
	if err != nil {
		return err
	}
	return p.expect(closing, "")
}

// name reads a key of the answer and its colon.
func (p *page) name() (name string, err error) {
	raw, err := p.small()
	if err != nil {
		return "", err
	}
	if raw[0] != '"' || json.Unmarshal(raw, &name) != nil {
		return "", p.bad("want a key")
	}
	return name, p.expect(':', "want :")
}

// scalar returns a copy of a value that is no object or array; nil for null.
func (p *page) scalar() ([]byte, error) {
	raw, err := p.small()
	switch {
	case err != nil:
		return nil, err
	case raw[0] == '{' || raw[0] == '[':
		return nil, p.bad("cursor or total is not a scalar")
	case string(raw) == "null":
		return nil, nil
	}
	return bytes.Clone(raw), nil
}

// small reads a value beside the entries, valid until the next read.
func (p *page) small() ([]byte, error) {
	if _, err := p.peek(); err != nil {
		return nil, err
	}
	switch whole, err := p.hold(&value{in: p.in}, ownBuffer-1); {
	case err != nil:
		return nil, err
	case !whole:
		return nil, p.bad("a value beside the entries is too long")
	case !json.Valid(p.held):
		return nil, p.bad("want a value")
	}
	return p.held, nil
}

// element reads the element i of data and hands it on.
func (p *page) element(i int) error {
	if _, err := p.peek(); err != nil {
		return err
	}
	defer p.leave()
	v := &value{in: p.in}
	whole, err := p.hold(v, p.max)
	if err != nil {
		return err
	}
	r := Rejected{Index: i, start: p.held, Record: bytes.NewReader(p.held)}
	switch {
	case !whole:
		return p.tooLong(r, v)
	case len(p.held) == 0:
		return p.bad("want a value")
	case !json.Valid(p.held):
		r.Code, r.Reason = Malformed, "the entry is not JSON"
		return p.reject(r)
	case p.held[0] != '{':
		r.Code, r.Reason = NotObject, "the entry is not a JSON object"
		return p.reject(r)
	case !v.spaced:
		return p.entry(p.held)
	}
	p.compact.Reset()
	if err := json.Compact(&p.compact, p.held); err != nil {
		return err // not after it was found valid
	}
	return p.entry(p.compact.Bytes())
}

// tooLong hands on an entry of which v is what p does not hold.
func (p *page) tooLong(r Rejected, v *value) error {
	r.Code, r.Reason = TooLong, fmt.Sprintf("the entry is longer than %d bytes", p.max)
	r.Record = io.MultiReader(r.Record, v)
	err := p.reject(r)
	if v.err != nil {
		return v.err // what the handler makes of it is no failure of its own
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, v)
	return err
}

// hold reads v into p.held, up to one byte more than limit, and tells whether
// that is all of it.
func (p *page) hold(v *value, limit int) (whole bool, err error) {
	most := limit + 1
	p.held = p.held[:0]
	for len(p.held) < most {
		if len(p.held) == cap(p.held) {
			if err := p.grow(most); err != nil {
				return false, err
			}
		}
		n, err := v.Read(p.held[len(p.held):min(cap(p.held), most)])
		p.held = p.held[:len(p.held)+n]
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// peek returns the next byte that is not white space and leaves it unread.
func (p *page) peek() (byte, error) {
	for {
		switch c, err := p.in.ReadByte(); {
		case err != nil:
			return 0, cutShort(err)
		case c != ' ' && c != '\n' && c != '\t' && c != '\r':
			return c, p.in.UnreadByte()
		}
	}
}

// expect reads past want.
func (p *page) expect(want byte, otherwise string) error {
	c, err := p.peek()
	if err != nil {
		return err
	}
	if c != want {
		return p.bad(otherwise)
	}
	_, err = p.in.Discard(1)
	return err
}

// bad is a syntax error at the next unread byte.
func (p *page) bad(what string) error {
	return &syntaxError{p.src.n - int64(p.in.Buffered()), what}
}
