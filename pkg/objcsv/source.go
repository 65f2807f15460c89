package objcsv

import (
	"context"
	"fmt"
	"io"
)

// isEnd tells the end of a stream from an error that merely wraps [io.EOF]:
// "Get …: EOF" is how net/http reports a connection that was closed on it.
func isEnd(err error) bool { return err == io.EOF } //nolint:errorlint // on purpose, see above

// source reads the compressed object, counts it, and remembers the first error
// that is not its end. The gzip reader cannot tell a broken connection from a
// truncated object; whoever holds the source can.
type source struct {
	ctx context.Context // of the one conversion this source serves
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
	if err != nil && !isEnd(err) {
		s.err = fmt.Errorf("read source: %w", err)
		err = s.err
	}
	return n, err
}

func (s *source) failed() error { return s.err }

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
	if isEnd(err) && e.left > 0 {
		err = fmt.Errorf("the object ended %d bytes short of its %d: %w", e.left, e.size, io.ErrUnexpectedEOF)
	}
	return n, err
}

// Interruptible returns a reader of r for [Converter.Convert], which calls
// interrupt when it gives up before r's end: a Read that is under way in another
// goroutine, and may hang, has to return soon then. The context that r was
// opened with is what usually ends it.
func Interruptible(r io.Reader, interrupt func()) io.Reader { return &interruptible{r, interrupt} }

type interruptible struct {
	io.Reader
	interrupt func()
}
