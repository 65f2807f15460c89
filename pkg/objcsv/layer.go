package objcsv

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// Flags of a gzip header, and where they are in it (RFC 1952 §2.3.1).
const (
	headerLen = 10
	atMethod  = 2
	atFlags   = 3

	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
	flagsReserved = 0xe0 // to be refused, §2.3.1.2

	methodDeflate = 8
	trailerLen    = 8
)

// Reasons to call a member corrupt, besides those that inflate finds.
var (
	errMethod    = errors.New("unknown compression method or flags")
	errHeaderCRC = errors.New("the header's checksum is wrong")
	errChecksum  = errors.New("the checksum or length of the content is wrong")
)

// upstream is where a layer's compressed bytes come from.
type upstream interface {
	io.Reader
	// failed returns why it ended early: an error that is not the layer's fault.
	failed() error
}

// layer unpacks one layer of gzip, member after member, to the end of what
// holds it. Headers are read here and not by the library, which refuses a name
// or comment of 512 bytes or more, keeps what it reads, and answers trailing
// garbage with the same error as a corrupt header.
type layer struct {
	g  *gunzip
	in upstream
	// br is a *bufio.Reader because inflate has a fast path for it and leaves
	// it right behind a member, where the next decision is made.
	br      *bufio.Reader
	inflate io.Reader
	// text holds the start of what comes out, for a look ahead. Larger reads
	// pass it by.
	text    *bufio.Reader
	depth   int // 1 is the object itself
	members int
	crc     uint32 // of the header, then of the content
	size    uint32 // of the member's content, modulo 2^32
	scratch [headerLen]byte
	err     error // sticks
}

// open reads the first member's header from br, whose bytes come from in.
func (l *layer) open(g *gunzip, depth int, in upstream, br *bufio.Reader) error {
	if l.text == nil {
		l.text = bufio.NewReaderSize(nil, lookAhead)
		l.inflate = flate.NewReader(br)
	}
	*l = layer{g: g, depth: depth, in: in, br: br, inflate: l.inflate, text: l.text}
	l.text.Reset(l)
	l.err = l.member()
	return l.err
}

func (l *layer) failed() error {
	if isEnd(l.err) {
		return nil
	}
	return l.err
}

// Read returns io.EOF only after the last member's checksum was verified and
// nothing but zeros followed it.
func (l *layer) Read(p []byte) (int, error) {
	for l.err == nil {
		n, err := l.inflate.Read(p)
		l.crc = crc32.Update(l.crc, crc32.IEEETable, p[:n])
		l.size += uint32(n)
		switch limit := l.g.count(n); {
		case limit != nil:
			l.err = limit
		case isEnd(err):
			l.err = l.next()
		case err != nil:
			l.err = l.classify(err)
		}
		if n > 0 {
			return n, l.err
		}
	}
	return 0, l.err
}

// member reads a member's header, however long, and keeps nothing of it.
func (l *layer) member() error {
	l.members++
	if err := l.header(); err != nil {
		return l.classify(err)
	}
	l.crc, l.size = 0, 0
	return l.inflate.(flate.Resetter).Reset(l.br, nil)
}

func (l *layer) header() error {
	l.crc = 0
	h, err := l.take(headerLen)
	if err != nil {
		return err
	}
	flags := h[atFlags]
	if h[atMethod] != methodDeflate || flags&flagsReserved != 0 {
		return errMethod
	}
	if flags&flagExtra != 0 {
		n, err := l.take(2)
		if err != nil {
			return err
		}
		if err := l.pass(int(binary.LittleEndian.Uint16(n))); err != nil {
			return err
		}
	}
	for _, f := range []byte{flagName, flagComment} {
		if flags&f != 0 {
			if err := l.passString(); err != nil {
				return err
			}
		}
	}
	if flags&flagHeaderCRC != 0 {
		want := uint16(l.crc)
		got, err := l.take(2)
		if err != nil {
			return err
		}
		if binary.LittleEndian.Uint16(got) != want {
			return errHeaderCRC
		}
	}
	return nil
}

// take reads n bytes, at most headerLen, valid until the next call.
func (l *layer) take(n int) ([]byte, error) {
	p := l.scratch[:n]
	_, err := io.ReadFull(l.br, p)
	l.crc = crc32.Update(l.crc, crc32.IEEETable, p)
	return p, err
}

// pass reads over n bytes.
func (l *layer) pass(n int) error {
	for n > 0 {
		p, err := l.br.Peek(min(n, l.br.Size()))
		l.crc = crc32.Update(l.crc, crc32.IEEETable, p)
		n -= len(p)
		_, _ = l.br.Discard(len(p)) // they are there
		if err != nil {
			return err
		}
	}
	return nil
}

// passString reads over what ends in a zero byte.
func (l *layer) passString() error {
	for {
		p, err := l.br.ReadSlice(0)
		l.crc = crc32.Update(l.crc, crc32.IEEETable, p)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// next verifies the member that ended and starts the one that follows, or
// returns io.EOF.
func (l *layer) next() error {
	crc, size := l.crc, l.size
	end, err := l.take(trailerLen)
	if err != nil {
		return l.classify(err)
	}
	if binary.LittleEndian.Uint32(end) != crc || binary.LittleEndian.Uint32(end[4:]) != size {
		return l.classify(errChecksum)
	}
	magic, err := l.br.Peek(len(magicBytes))
	if err != nil && !isEnd(err) {
		return err // before the one byte that may have arrived is called garbage
	}
	if isGzip(magic) {
		return l.member()
	}
	for {
		p, err := l.br.Peek(l.br.Size())
		rest := bytes.TrimLeft(p, "\x00")
		_, _ = l.br.Discard(len(p) - len(rest)) // they are there
		if len(rest) > 0 {
			return fault(CodeGzipTrailing, "byte %#02x at %d, after %d complete gzip member(s)%s", rest[0], l.g.in(), l.members, l.where())
		}
		if err != nil {
			return err // io.EOF, or the source's own
		}
	}
}

// classify says whose fault it is that a member cannot be read.
func (l *layer) classify(err error) error {
	if failed := l.in.failed(); failed != nil {
		return failed
	}
	switch {
	case isEnd(err), errors.Is(err, io.ErrUnexpectedEOF):
		return fault(CodeGzipTruncated, "the object ends after %d bytes, inside gzip member %d%s", l.g.src.n, l.members, l.where())
	case errors.Is(err, io.ErrNoProgress):
		return err // a misbehaving source, not a bad object
	default:
		return fault(CodeGzipCorrupt, "gzip member %d%s, about byte %d: %v", l.members, l.where(), l.g.in(), err)
	}
}

// where names a layer inside another.
func (l *layer) where() string {
	if l.depth == 1 {
		return ""
	}
	return fmt.Sprintf(" of layer %d", l.depth)
}
