// Package progress tells whoever waits how far something long is.
//
// What is at work says how much is done by a counter that its context carries,
// and knows nothing of who looks at it: without one nothing is counted.
package progress

import (
	"context"
	"sync/atomic"
)

// Counter counts what is done of something long, in units of one kind. It may be
// added to by many at once.
type Counter struct{ done, passed, total, bytes atomic.Int64 }

type key struct{}

// With returns a context that carries c.
func With(ctx context.Context, c *Counter) context.Context { return context.WithValue(ctx, key{}, c) }

func of(ctx context.Context) *Counter {
	c, _ := ctx.Value(key{}).(*Counter)
	return c
}

// Expect says that n more are to be done. Until somebody does, the whole is not
// known.
func Expect(ctx context.Context, n int64) {
	if c := of(ctx); c != nil {
		c.total.Add(n)
	}
}

// Add says that n more are done.
func Add(ctx context.Context, n int64) {
	if c := of(ctx); c != nil {
		c.done.Add(n)
	}
}

// Bytes says that so many bytes were moved, where things differ in size so that
// their number alone tells little.
func Bytes(ctx context.Context, n int64) {
	if c := of(ctx); c != nil {
		c.bytes.Add(n)
	}
}

// Pass says that n of what was expected was done before: it tells nothing about
// how fast it goes now.
func Pass(ctx context.Context, n int64) {
	if c := of(ctx); c != nil {
		c.passed.Add(n)
	}
}
