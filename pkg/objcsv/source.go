package objcsv

import (
	"context"
	"fmt"
	"io"
)

// source reads the compressed object, counts it, and remembers the first error
// that is not its end. The gzip reader cannot tell a broken connection from a
// truncated object; whoever holds the source can.
type source struct {
	ctx context.Context
	r   io.Reader
	n   int64
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if s.err == nil && s.ctx.Err() != nil {
		s.err = context.Cause(s.ctx)
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF { //nolint:errorlint // io.Reader's contract: the end is io.EOF itself
		s.err = fmt.Errorf("read source: %w", err)
		err = s.err
	}
	return n, err
}

// Exactly returns a reader of r that fails with [io.ErrUnexpectedEOF] when r
// ends before size bytes. A store announces an object's size; a download that
// ends before it was cut short, which is transient, while [Converter.Convert]
// on its own could only see a truncated object.
func Exactly(r io.Reader, size int64) io.Reader { return &exactly{r, size, size} }

type exactly struct {
	r          io.Reader
	left, size int64
}

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 { //nolint:errorlint // as above
		err = fmt.Errorf("the object ended %d bytes short of its %d: %w", e.left, e.size, io.ErrUnexpectedEOF)
	}
	return n, err
}
