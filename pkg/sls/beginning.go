package sls

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Beginning is where a consumer group begins: the cursor of each shard that
// there was when it was settled. A shard that is not among them came later, and
// is read from its own beginning.
type Beginning struct {
	Settled time.Time      `json:"settled"`
	Cursors map[int]string `json:"cursors"`
	// Made says that the group was there after this was settled. Where it no
	// longer is, it was deleted, and this is the beginning of one that is gone.
	Made bool `json:"made"`
}

// Beginnings remembers what was settled, for all members of one group alike: a
// numbered series, of which the latest counts and to which each number is added
// once, whoever else tries (see bucket.Series).
//
// The service itself cannot keep it. A checkpoint of a shard that one does not
// hold can only be forced, which nothing guards: one that was under way for
// long, from a process that stood still, would set back a shard that another has
// read on from. So it is kept here, as a whole, and each holder saves the
// beginning of its shard unforced, before its first pull.
type Beginnings interface {
	// Latest reads the latest into v and returns its number, 0 if there is none.
	Latest(ctx context.Context, v any) (uint64, error)
	// Append adds v as number n, or fails if another has done so.
	Append(ctx context.Context, n uint64, v any) error
	// Trim removes what lies before n.
	Trim(ctx context.Context, n uint64) error
}

// settle makes sure of the group, and returns where it begins: nil where its
// Start alone tells, or every shard has a checkpoint.
//
// The beginning is remembered before the group is made, so that there never is
// a group without one, and again once the group is there, so that one which was
// deleted is known from one that was not made yet. All of that may be done by
// several members at once, and be cut short anywhere: what counts is what the
// series took.
func (w *Worker) settle(ctx context.Context, shards []Shard) (*Beginning, error) {
	for {
		last, number, err := w.remembered(ctx, shards)
		if err != nil {
			return nil, err
		}
		if err := w.client.EnsureGroup(ctx, ConsumerGroup{Name: w.group, Timeout: int(w.o.Timeout / time.Second), Order: w.inOrder()}); err != nil {
			return nil, err
		}
		if last == nil || last.Made {
			return last, nil
		}
		made := *last
		made.Made = true
		if ok, err := w.remember(ctx, number+1, made); ok || err != nil {
			return &made, err
		}
	}
}

// inOrder tells whether the service is to hand out a shard's children only once it
// was read to its end. A drain until some time may end before that, and its group
// would never be given the children.
func (w *Worker) inOrder() bool { return w.o.Until.IsZero() }

// remembered returns the beginning to go by, and its number: the latest, or a
// new one where there is none, or only that of a group that is gone.
func (w *Worker) remembered(ctx context.Context, shards []Shard) (*Beginning, uint64, error) {
	if w.o.Beginnings == nil {
		return nil, 0, nil
	}
	if saved, _, err := w.saved(ctx); err != nil || len(saved) > 0 && covers(saved, shards) {
		return nil, 0, err
	}
	for {
		// In this order: a group that is not there was deleted only if it was
		// known to be there before.
		var last Beginning
		number, err := w.o.Beginnings.Latest(ctx, &last)
		if err != nil {
			return nil, 0, fmt.Errorf("beginning of consumer group %s: %w", w.group, err)
		}
		saved, exists, err := w.saved(ctx)
		if err != nil {
			return nil, 0, err
		}
		if number > 0 && (exists || !last.Made) {
			return &last, number, nil
		}
		next := Beginning{Settled: time.Now().UTC(), Cursors: map[int]string{}, Made: exists}
		if len(saved) == 0 {
			if next.Cursors, err = w.starts(ctx, shards); err != nil {
				return nil, 0, err
			}
		} // else it has long begun, and what lacks a checkpoint came later
		if ok, err := w.remember(ctx, number+1, next); ok || err != nil {
			return &next, number + 1, err
		}
	}
}

// remember adds a beginning to the series. It returns false without an error if
// another has added one instead.
func (w *Worker) remember(ctx context.Context, number uint64, b Beginning) (bool, error) {
	err := w.o.Beginnings.Append(ctx, number, b)
	if err == nil {
		return true, w.o.Beginnings.Trim(ctx, number)
	}
	var other Beginning
	if latest, gone := w.o.Beginnings.Latest(ctx, &other); gone == nil && latest >= number {
		same := latest == number && other.Settled.Equal(b.Settled) && other.Made == b.Made && maps.Equal(other.Cursors, b.Cursors)
		return same, nil
	}
	return false, fmt.Errorf("beginning of consumer group %s: %w", w.group, err)
}

// saved returns the group's checkpoints by shard, and whether there is a group.
func (w *Worker) saved(ctx context.Context) (cursors map[int]string, exists bool, err error) {
	list, err := w.client.Checkpoints(ctx, w.group)
	if IsCode(err, CodeGroupNotExist) {
		return nil, false, nil
	}
	if err == nil {
		w.o.OnFound(list)
	}
	cursors = map[int]string{}
	for _, c := range list {
		if c.Cursor != "" {
			cursors[c.Shard] = c.Cursor
		}
	}
	return cursors, err == nil, err
}

// covers tells whether every shard has a checkpoint.
func covers(saved map[int]string, shards []Shard) bool {
	return !slices.ContainsFunc(shards, func(s Shard) bool { return saved[s.ID] == "" })
}

// starts resolves the start of every shard.
func (w *Worker) starts(ctx context.Context, shards []Shard) (map[int]string, error) {
	at := make([]string, len(shards))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i, s := range shards {
		g.Go(func() (err error) {
			at[i], err = w.start(ctx, s.ID)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := map[int]string{}
	for i, s := range shards {
		out[s.ID] = at[i]
	}
	return out, nil
}

// start resolves the start of a shard.
func (w *Worker) start(ctx context.Context, shard int) (cursor string, err error) {
	at, err := w.o.startTime()
	switch {
	case err != nil:
		return "", err
	case at.IsZero():
		return w.client.Cursor(ctx, shard, w.o.Start)
	}
	return w.client.CursorAt(ctx, shard, at)
}
