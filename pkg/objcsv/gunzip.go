package objcsv

import (
	"bufio"
	"bytes"
)

const (
	// maxLayers is how deep gzip within gzip is unpacked. Two are what a
	// service that compresses makes of an object that was compressed; more
	// than three nobody was seen to make by accident.
	maxLayers = 3

	// lookAhead is how much of what comes out tells text from anything else.
	lookAhead = 4 << 10
)

const magicBytes = "\x1f\x8b"

func isGzip(p []byte) bool { return bytes.HasPrefix(p, []byte(magicBytes)) }

// gunzip unpacks a whole object, layer within layer, within limits that hold
// for all layers together.
type gunzip struct {
	src      *source
	br       *bufio.Reader // the source's bytes
	layers   [maxLayers]*layer
	depth    int   // layers in use
	out      int64 // bytes that came out of the innermost
	total    int64 // bytes that came out of all layers
	maxOut   int64
	maxRatio int64
}

func (g *gunzip) reset(src *source, br *bufio.Reader, o Options) {
	*g = gunzip{src: src, br: br, layers: g.layers, maxOut: o.MaxOutputBytes, maxRatio: int64(o.MaxRatio)}
}

// open looks at the magic bytes and opens one layer after the other, until
// what comes out is gzip no more. It has to be text then.
func (g *gunzip) open() error {
	magic, err := g.br.Peek(len(magicBytes))
	switch {
	case len(magic) == 0 && isEnd(err):
		return fault(CodeEmptyObject, "the object has no bytes")
	case err != nil && !isEnd(err):
		return err
	case !isGzip(magic):
		return fault(CodeNotGzip, "the object starts with % x, gzip with 1f 8b", magic)
	}
	in, br := upstream(g.src), g.br
	for {
		l := g.layers[g.depth]
		if l == nil {
			l = new(layer)
			g.layers[g.depth] = l
		}
		g.depth++
		if err := l.open(g, g.depth, in, br); err != nil {
			return err
		}
		start, err := l.text.Peek(lookAhead)
		if err != nil && !isEnd(err) {
			return err
		}
		if !isGzip(start) {
			return checkText(start, g.depth)
		}
		if g.depth == maxLayers {
			return fault(CodeNotText, "what comes out of %d layers of gzip is gzip again", g.depth)
		}
		in, br = l, l.text
	}
}

// checkText returns a fault if start is not how a log starts. A zero byte is in
// every UTF-16 text with a line feed or comma, and near the start of archives,
// images and columnar files; it is in no CSV and no JSON.
func checkText(start []byte, layers int) error {
	if at := bytes.IndexByte(start, 0); at >= 0 {
		return fault(CodeNotText, "a zero byte at %d of what comes out of %d layer(s) of gzip, which starts with % x", at, layers, start[:min(len(start), 8)])
	}
	return nil
}

// Read reads what the innermost layer gives.
func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.layers[g.depth-1].text.Read(p)
	g.out += int64(n)
	return n, err
}

// in is how many compressed bytes were used, not counting what is buffered.
func (g *gunzip) in() int64 { return g.src.n - int64(g.br.Buffered()) }

// count adds n bytes that came out of a layer, and returns the limit that they
// break: an inner layer must not hide how much an outer one gave.
func (g *gunzip) count(n int) error {
	g.total += int64(n)
	if g.total > g.maxOut {
		return fault(CodeOutputLimit, "more than %d bytes come out of %d", g.maxOut, g.in())
	}
	if g.total >= ratioFloor && g.total > g.maxRatio*g.in() {
		return fault(CodeRatio, "%d bytes come out of %d, more than %d to 1", g.total, g.in(), g.maxRatio)
	}
	return nil
}
