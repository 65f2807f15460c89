package sls

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// WorkerOptions are what a [Worker] may be told. The zero value of each field
// means its default.
type WorkerOptions struct {
	// Start is where a new group begins: [Begin], [End] (default) or an RFC 3339
	// receive time. It is resolved once, for all shards there are, and kept in
	// Beginnings; shards that come later are read from their beginning.
	Start string
	// Beginnings is the same for all members of the group. Without it Start is
	// resolved for each shard as it is first held, which is the same but for End,
	// and where Start changes.
	Beginnings Beginnings
	// Drain reads every assigned shard up to where it ended at the beginning
	// of the run, and returns. Otherwise the worker follows until it is
	// stopped.
	Drain bool
	// Until ends a drain at a receive time instead of the present end. The children
	// of a shard are then read beside it, not after it.
	Until time.Time
	// OldestOnExpired goes on from the oldest log when a checkpoint is older
	// than what is kept, and reports the [Gap]. Otherwise the run fails.
	OldestOnExpired bool
	// Heartbeat and Timeout: how often the worker reports, default 10 s, and
	// after how much silence the service gives its shards to others, default
	// 60 s, in whole seconds.
	Heartbeat, Timeout time.Duration
	// Count is the most groups a pull, Query an SPL filter, ConsumeProcessor the
	// name of one; see [PullRequest].
	Count                   int
	Query, ConsumeProcessor string
	// Poll is the wait at the end of the data; default 500 ms, and up to three
	// times as long while nothing comes.
	Poll time.Duration
	// Commit is how often a shard's checkpoint is saved at most, but for the
	// first and the last; default 1 s. All shards save theirs at the same time.
	Commit time.Duration
	// Grace bounds how long a stop waits for what is under way; default 30 s.
	Grace time.Duration
	// MaxPage is how many raw bytes a page holds at most, if it is more than one
	// group and no filter is at work; default a whole page, about 10 MiB.
	MaxPage int
	// MaxPending is how many pages of one shard may be under way; default 8.
	MaxPending int
	// MaxUnsaved is how many bytes may be confirmed, over all shards, and not
	// be covered by a checkpoint yet; default 256 MiB. MaxUnsavedFor is how long
	// a checkpoint may be due; default three times Commit, and 5 s at least.
	// Beyond either no more pages are handed out.
	MaxUnsaved    int64
	MaxUnsavedFor time.Duration
	// Announce, if set, is called before a checkpoint is saved, with what lies
	// between the last one and it. With an error the checkpoint is not saved, and
	// the run fails.
	Announce func(context.Context, Stretch) error
	// OnSaved hears of a stretch once its checkpoint is saved, OnUnsaved of the
	// notes of a shard's pages that were confirmed and that no checkpoint
	// covers when its work has ended: they are delivered again.
	OnSaved   func(Stretch)
	OnUnsaved func(shard int, notes []any)
	// OnGap hears of logs that were gone before they were read, before a
	// checkpoint passes them.
	OnGap func(Gap)
	// OnFound hears of the group's checkpoints as the run found them, before it has
	// saved any; only with Beginnings.
	OnFound func([]Checkpoint)
	// OnEvent hears of shards that come and go and of heartbeats that fail. It
	// must not block.
	OnEvent func(Event)
}

// Event is a change in what a worker holds.
type Event struct {
	Shard int // -1 where it is about the consumer
	Kind  EventKind
	Err   error // why, where there is a reason
}

// EventKind names an [Event].
type EventKind string

// The kinds of [Event].
const (
	Assigned        EventKind = "assigned"  // the worker begins to read the shard
	Released        EventKind = "released"  // handed over in good order
	ShardLost       EventKind = "lost"      // gone before it could be handed over
	ShardFinished   EventKind = "finished"  // read to its end
	HeartbeatFailed EventKind = "heartbeat" // one failed; the shards are still owned
)

func (o *WorkerOptions) setDefaults() {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Heartbeat, 10*time.Second)
	def(&o.Timeout, 60*time.Second)
	def(&o.Poll, 500*time.Millisecond)
	def(&o.Commit, time.Second)
	def(&o.Grace, 30*time.Second)
	if o.Start == "" {
		o.Start = End
	}
	if o.MaxPending == 0 {
		o.MaxPending = 8
	}
	if o.MaxUnsaved == 0 {
		o.MaxUnsaved = 256 << 20
	}
	def(&o.MaxUnsavedFor, max(5*time.Second, 3*o.Commit))
	if o.Announce == nil {
		o.Announce = func(context.Context, Stretch) error { return nil }
	}
	if o.OnSaved == nil {
		o.OnSaved = func(Stretch) {}
	}
	if o.OnUnsaved == nil {
		o.OnUnsaved = func(int, []any) {}
	}
	if o.OnGap == nil {
		o.OnGap = func(Gap) {}
	}
	if o.OnFound == nil {
		o.OnFound = func([]Checkpoint) {}
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
}

func (o *WorkerOptions) validate() error {
	var faults []error
	if o.Timeout%time.Second != 0 || o.Timeout < time.Second {
		faults = append(faults, fmt.Errorf("group timeout %s: want whole seconds", o.Timeout))
	}
	if o.Heartbeat <= 0 || 2*o.Heartbeat > o.Timeout {
		faults = append(faults, fmt.Errorf("heartbeat %s: want at most half of the group timeout %s, so that one may fail", o.Heartbeat, o.Timeout))
	}
	if _, err := o.startTime(); err != nil {
		faults = append(faults, err)
	}
	if o.Start == End && o.Beginnings == nil {
		faults = append(faults, errors.New("start end: nothing remembers where that was"))
	}
	return errors.Join(faults...)
}

// startTime reads Start when it is a time; zero means Begin or End.
func (o *WorkerOptions) startTime() (time.Time, error) {
	if o.Start == Begin || o.Start == End {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, o.Start)
	if err != nil {
		return t, fmt.Errorf("start %q: want begin, end or an RFC 3339 time", o.Start)
	}
	return t, nil
}

func (o *WorkerOptions) read() readOptions {
	return readOptions{
		count: o.Count, query: o.Query, consumeProcessor: o.ConsumeProcessor, poll: o.Poll, commit: o.Commit,
		maxPending: o.MaxPending, maxPage: o.MaxPage, oldest: o.OldestOnExpired, grace: o.Grace,
		announce: o.Announce, onSaved: o.OnSaved, onUnsaved: o.OnUnsaved,
	}
}

// afterGrace calls f once d has passed since ctx ended, unless the returned
// function is called before ctx ends.
func afterGrace(ctx context.Context, d time.Duration, f func()) (cancel func() bool) {
	return context.AfterFunc(ctx, func() { time.AfterFunc(d, f) })
}
