package sls

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// beginning is where a new group begins: the start is resolved once, for every
// shard that the logstore has, and saved as checkpoints. From then on a shard
// without a checkpoint can only be one that came later, which is read from its
// own beginning, whenever it is assigned and by whom.
//
// The checkpoints are forced, since no shard is assigned yet. They are saved
// from the highest shard down: as the service numbers shards in the order in
// which they come, a shard that lacks one while a lower shard has one came
// later, also where a kill cut this short.
type beginning struct {
	client *Client // makes each call once
	w      *Worker
	shards []int // of the logstore, from the lowest on
}

// pin gives the group its beginning, unless it has one. created tells that this
// member made the group, and so is the one to do it.
func (w *Worker) pin(ctx context.Context, shards []Shard, created bool) error {
	once := *w.client
	once.opts.Retry = retry.Policy{}
	b := &beginning{client: &once, w: w}
	for _, s := range shards {
		b.shards = append(b.shards, s.ID)
	}
	slices.Sort(b.shards)
	return w.client.opts.Retry.Do(ctx, func(ctx context.Context) error {
		open, err := b.open(ctx)
		if err == nil && len(open) > 0 && !created {
			open, err = b.await(ctx)
			created = true // or nobody's
		}
		if err != nil || len(open) == 0 {
			return err
		}
		return b.save(ctx, open)
	})
}

// open lists the shards whose beginning is not saved, from the lowest on.
func (b *beginning) open(ctx context.Context) ([]int, error) {
	saved, err := b.client.Checkpoints(ctx, b.w.group)
	if err != nil {
		return nil, err
	}
	lowest := len(b.shards)
	for _, c := range saved {
		if c.Cursor != "" {
			i, _ := slices.BinarySearch(b.shards, c.Shard)
			lowest = min(lowest, i)
		}
	}
	return b.shards[:lowest], nil
}

// await gives another member the time to save the beginning of a group that it
// may have made this very moment, and returns what is open all the same. Of
// several that wait in vain one gives up first.
func (b *beginning) await(ctx context.Context) (open []int, err error) {
	patience := b.w.o.Timeout/2 + rand.N(b.w.o.Timeout) //nolint:gosec // no secret
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)/4)
	}
	for began := time.Now(); ; {
		if open, err = b.open(ctx); err != nil || len(open) == 0 || time.Since(began) >= patience {
			return open, err
		}
		if err := retry.Sleep(ctx, min(b.w.o.Heartbeat/2, patience)); err != nil {
			return nil, err
		}
	}
}

// save resolves the start for shards and saves it. It looks before each
// checkpoint whether another member has saved one, and tries none twice: one
// that came late would move the group.
func (b *beginning) save(ctx context.Context, shards []int) error {
	at := make([]string, len(shards))
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i, shard := range shards {
		g.Go(func() (err error) {
			at[i], err = b.start(each, shard)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, shard := range slices.Backward(shards) {
		open, err := b.open(ctx)
		if err == nil && slices.Contains(open, shard) {
			err = b.client.SaveCheckpoint(ctx, b.w.group, b.w.consumer, shard, at[i], true)
		}
		if err != nil {
			return fmt.Errorf("beginning of consumer group %s: %w", b.w.group, err)
		}
	}
	return nil
}

// start resolves the start of a shard.
func (b *beginning) start(ctx context.Context, shard int) (cursor string, err error) {
	at, err := b.w.o.startTime()
	switch {
	case err != nil:
		return "", err
	case at.IsZero():
		return b.client.Cursor(ctx, shard, b.w.o.Start)
	}
	return b.client.CursorAt(ctx, shard, at)
}
