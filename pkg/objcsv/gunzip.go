package objcsv

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// gunzip decompresses a whole object, member after member, within limits. It
// drives the members itself: the library's multistream mode would answer
// trailing garbage with the same error as a corrupt header.
type gunzip struct {
	src *source
	// br is a *bufio.Reader because the library's inflate has a fast path for
	// it and leaves it right behind a member, where the next decision is made.
	br       *bufio.Reader
	zr       gzip.Reader
	members  int
	out      int64
	maxOut   int64
	maxRatio int64
}

// open looks at the magic bytes and reads the first member's header.
func (g *gunzip) open() error {
	magic, err := g.br.Peek(2)
	switch {
	case len(magic) == 0 && isEnd(err):
		return fault(CodeEmptyObject, "the object has no bytes")
	case err != nil && !isEnd(err):
		return err
	case !isGzip(magic):
		return fault(CodeNotGzip, "the object starts with % x, gzip with 1f 8b", magic)
	}
	return g.member()
}

func isGzip(p []byte) bool { return len(p) == 2 && p[0] == 0x1f && p[1] == 0x8b }

func (g *gunzip) member() error {
	g.members++
	if err := g.zr.Reset(g.br); err != nil {
		return g.classify(err)
	}
	g.zr.Multistream(false)
	return nil
}

// Read returns io.EOF only after the last member's checksum was verified and
// nothing but zeros followed it.
func (g *gunzip) Read(p []byte) (int, error) {
	for {
		n, err := g.zr.Read(p)
		g.out += int64(n)
		if limit := g.limit(); limit != nil {
			return n, limit
		}
		if isEnd(err) {
			err = g.next()
		} else if err != nil {
			err = g.classify(err)
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next starts the member that follows, or returns io.EOF.
func (g *gunzip) next() error {
	magic, err := g.br.Peek(2)
	if err != nil && !isEnd(err) {
		return err // before the one byte that may have arrived is called garbage
	}
	if isGzip(magic) {
		return g.member()
	}
	for {
		b, err := g.br.ReadByte()
		if err != nil {
			return err // io.EOF, or the source's own
		}
		if b != 0 {
			return fault(CodeGzipTrailing, "byte %#02x at %d, after %d complete gzip member(s)", b, g.in()-1, g.members)
		}
	}
}

// in is how many compressed bytes were used, not counting what is buffered.
func (g *gunzip) in() int64 { return g.src.n - int64(g.br.Buffered()) }

func (g *gunzip) limit() error {
	if g.out > g.maxOut {
		return fault(CodeOutputLimit, "more than %d bytes come out of %d", g.maxOut, g.in())
	}
	if g.out >= ratioFloor && g.out > g.maxRatio*g.in() {
		return fault(CodeRatio, "%d bytes come out of %d, more than %d to 1", g.out, g.in(), g.maxRatio)
	}
	return nil
}

func (g *gunzip) classify(err error) error {
	switch {
	case g.src.err != nil:
		return g.src.err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault(CodeGzipTruncated, "the object ends after %d bytes, inside gzip member %d", g.src.n, g.members)
	case errors.Is(err, io.ErrNoProgress):
		return err // a misbehaving source, not a bad object
	default:
		return fault(CodeGzipCorrupt, "gzip member %d, about byte %d: %v", g.members, g.in(), err)
	}
}
