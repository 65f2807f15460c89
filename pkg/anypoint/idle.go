package anypoint

import (
	"context"
	"errors"
	"io"
	"time"
)

var errIdle = errors.New("nothing arrived for too long")

// idleBody is an answer's body that ends when a read takes too long. A limit
// on the whole answer would also count the time its reader needs.
type idleBody struct {
	io.ReadCloser
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func newIdleBody(body io.ReadCloser, limit time.Duration, cancel context.CancelCauseFunc) *idleBody {
	t := time.AfterFunc(limit, func() { cancel(errIdle) })
	t.Stop()
	return &idleBody{body, limit, t, cancel}
}

func (b *idleBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.limit)
	n, err := b.ReadCloser.Read(p)
	if !b.timer.Stop() && err != nil {
		err = errIdle // instead of the cancelled context it shows as
	}
	return n, err
}

func (b *idleBody) Close() error {
	b.timer.Stop()
	b.cancel(nil)
	return b.ReadCloser.Close()
}
