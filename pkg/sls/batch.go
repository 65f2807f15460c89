package sls

import (
	"context"
	"errors"
	"sync"
)

// A Processor takes what is read and carries it to where it is durable.
//
// Process is called for the pages of one shard in order, one call at a time;
// for different shards at once. It may return before the batch is durable, and
// is then given the next one; it blocks when it has enough. Every batch is
// answered exactly once by [Batch.Done], which confirms it or fails the run.
// An error returned by Process means the same as Done with that error.
//
// ctx ends when the shard is no longer this consumer's to send for, with
// [ErrLost] as its cause, or when a stop has run out of time. Process then
// returns soon; batches that were not confirmed are delivered again by whoever
// owns the shard next.
type Processor interface {
	Process(ctx context.Context, b *Batch) error
}

// ProcessorFunc makes a function a [Processor].
type ProcessorFunc func(context.Context, *Batch) error

// Process calls f.
func (f ProcessorFunc) Process(ctx context.Context, b *Batch) error { return f(ctx, b) }

// Batch is a page handed to a [Processor]. Its bytes may be given back with
// Release as soon as they were used up, before the batch is done.
type Batch struct {
	*Page

	once  sync.Once
	track *tracker
	seq   int
}

// ErrLeft is what a [Processor] answers a batch with that it leaves for another
// run: it has sent nothing of it, and has no time to. The work on the shard then
// ends in good order, before the batch.
var ErrLeft = errors.New("sls: left for another run")

// Done says that everything of the batch is durable, so that the checkpoint
// may pass it, or why it will never be. The note says what became of it; it is
// given back with the [Stretch] that the batch lies in. Done may be called from
// any goroutine; calls after the first do nothing. It releases the page.
func (b *Batch) Done(note any, err error) {
	b.once.Do(func() {
		b.Release()
		b.track.done(b.seq, note, err)
	})
}
