package serve

import (
	"context"
	"errors"
	"io"
	"os/signal"
	"syscall"
)

var errUnread = errors.New("nobody reads any more what this process writes: start it again")

// UntilUnread returns ctx until something is written to a watched writer that
// nobody reads, as after a restart of journald: whoever goes on for good would go
// on unheard, and is heard again once it is started anew. By itself Go has SIGPIPE
// kill the process at such a record, amid its runs (os/signal, "SIGPIPE"), and
// systemd takes that for a success, after which nothing is to be started again
// (systemd.service, "SuccessExitStatus=").
func UntilUnread(ctx context.Context) (_ context.Context, watched func(io.Writer) io.Writer) {
	signal.Ignore(syscall.SIGPIPE)
	ctx, end := context.WithCancelCause(ctx)
	return ctx, func(w io.Writer) io.Writer { return &heard{w, end} }
}

// Unread returns the error of a process whose context, of [UntilUnread], has ended
// because nobody read what it wrote; else nil.
func Unread(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, errUnread) {
		return cause
	}
	return nil
}

// heard tells once nobody reads what is written to it.
type heard struct {
	io.Writer
	end context.CancelCauseFunc
}

func (h *heard) Write(p []byte) (int, error) {
	n, err := h.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		h.end(errUnread)
	}
	return n, err
}
