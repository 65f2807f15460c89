package sls

import (
	"context"
	"time"
)

// Range is a stretch of one shard.
type Range struct {
	Shard int
	From  string // cursor
	To    string // cursor to stop before
	Count int    // most groups a pull; 0 means MaxPullGroups
	// Query is an SPL filter, ConsumeProcessor the name of one.
	Query, ConsumeProcessor string
	// OnSaved and OnUnsaved are those of [WorkerOptions], for positions that the
	// caller keeps itself: each is taken for saved at once.
	OnSaved   func(Stretch)
	OnUnsaved func(shard int, notes []any)
	// OldestOnExpired and OnGap are those of [WorkerOptions]. What is gone may reach
	// beyond To.
	OldestOnExpired bool
	OnGap           func(Gap)
	MaxPage         int // as in [WorkerOptions]
	// MaxPending is how many pages may be under way; default 8.
	MaxPending int
	// Grace bounds how long a stop waits for what is under way; default 30 s.
	Grace time.Duration
}

// ReadRange reads a range without a consumer group, such as the one an SLS
// trigger of Function Compute hands over, and returns when all of it is
// confirmed. It stops in good order when ctx ends, with ctx's error. The
// status says how far everything was confirmed (Checkpoint), whatever the
// error.
func (c *Client) ReadRange(ctx context.Context, r Range, p Processor) (ShardStatus, error) {
	o := WorkerOptions{Count: r.Count, Query: r.Query, ConsumeProcessor: r.ConsumeProcessor, MaxPage: r.MaxPage, MaxPending: r.MaxPending, Grace: r.Grace,
		OnSaved: r.OnSaved, OnUnsaved: r.OnUnsaved, OldestOnExpired: r.OldestOnExpired, OnGap: r.OnGap}
	o.setDefaults()
	state := &shardState{s: ShardStatus{Shard: r.Shard, Start: r.From, Position: r.From, End: r.To}}
	run := &shardRun{
		client: c, processor: p, backlog: newBacklog(o.MaxUnsaved, o.MaxUnsavedFor), o: o.read(), shard: r.Shard, cursor: r.From, end: r.To, state: state,
		save: func(context.Context, string) error { return nil }, gap: o.OnGap,
	}
	hard, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer afterGrace(ctx, o.Grace, func() { cancel(context.Cause(ctx)) })()
	finished, err := run.run(hard, ctx)
	state.update(func(s *ShardStatus) { s.Finished = finished })
	if err == nil && !finished {
		err = context.Cause(ctx)
	}
	err = state.gone(err, run.o, run.gap)
	return state.get(), err
}
