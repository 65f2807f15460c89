package hec

import (
	"fmt"
	"runtime"

	"github.com/klauspost/compress/gzip"
)

// compressors are as many gzip writers as there are cores to run them: more
// would only take memory.
type compressors chan *gzip.Writer // nil entries are writers not made yet

func newCompressors() compressors {
	c := make(compressors, runtime.GOMAXPROCS(0))
	for range cap(c) {
		c <- nil
	}
	return c
}

// encode compresses a part of b into b.wire.
func (c compressors) encode(b *Batch, s span) ([]byte, error) {
	z := <-c
	defer func() { c <- z }()
	body := b.slice(s)
	b.wire.Reset()
	if z == nil {
		var err error
		if z, err = gzip.NewWriterLevel(&b.wire, gzip.BestSpeed); err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
	} else {
		z.Reset(&b.wire)
	}
	if _, err := z.Write(body); err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return b.wire.Bytes(), nil
}
