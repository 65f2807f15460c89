package sls

import (
	"context"
	"errors"
	"sync"
)

// A Processor takes what is read and carries it to where it is durable.
//
// Process is called for the pages of one shard in order, one call at a time;
// for different shards at once. It may return before the page is durable, and
// is then given the next one; it blocks when it has enough. Every page is
// answered exactly once by done, which confirms it or fails the run. An error
// returned by Process means the same as done with that error.
//
// ctx ends when the shard is no longer this consumer's to send for, with
// [ErrLost] as its cause, or when a stop has run out of time. Process then
// returns soon; pages that were not confirmed are delivered again by whoever
// owns the shard next.
//
// The bytes of the page may be given back with [Page.Release] as soon as they
// were used up, before the page is done.
type Processor interface {
	Process(ctx context.Context, p *Page, done Done) error
}

// ProcessorFunc makes a function a [Processor].
type ProcessorFunc func(context.Context, *Page, Done) error

// Process calls f.
func (f ProcessorFunc) Process(ctx context.Context, p *Page, done Done) error { return f(ctx, p, done) }

// Done says that everything of a page is durable, so that the checkpoint may
// pass it, or why it will never be. The note says what became of it; it is given
// back with the [Stretch] that the page lies in. Done may be called from any
// goroutine; calls after the first do nothing. It releases the page.
type Done func(note any, err error)

// ErrLeft is what a [Processor] answers a page with that it leaves for another
// run: it has sent nothing of it, and has no time to. The work on the shard then
// ends in good order, before the page.
var ErrLeft = errors.New("sls: left for another run")

// answer returns the answer for the page that has the number seq.
func (t *tracker) answer(p *Page, seq int) Done {
	var once sync.Once
	return func(note any, err error) {
		once.Do(func() {
			p.Release()
			t.done(seq, note, err)
		})
	}
}
