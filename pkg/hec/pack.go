package hec

import "github.com/siemfeed/siemfeed/pkg/deflate"

// Hint says that what is written at At, in the body of a batch, probably begins
// like what was written at From before. Wrong ones do no harm.
type Hint = deflate.Hint

// packer packs one body after the other into gzip, while they are written.
type packer interface {
	// Reset begins a body.
	Reset()
	// Hint adds hints about what is written next.
	Hint(hints []Hint)
	// Grow hands over the body so far, of which what was there before has not
	// changed.
	Grow(body []byte)
	// Finish returns all of body, packed, valid until Reset.
	Finish(body []byte) []byte
}

func newPacker() packer { return new(deflate.Encoder) }
