package consume

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// A consumer group gives each shard to one consumer. Two functions that work in the
// same group, or one that is deployed to two receivers, therefore get a part of the
// logs each, and neither misses anything that it could know of. What shows it are the
// names under which checkpoints were saved.

const (
	// lately is how long ago a checkpoint may have been saved that tells of now: a
	// function may be triggered once a day.
	lately = 25 * time.Hour
	// handover is how long what was here before may go on saving checkpoints after
	// this function came, where one takes the place of the other.
	handover = 15 * time.Minute
)

// sharing is what shards another one than this function reads, in its own group.
type sharing struct {
	group, consumer, whose string
	shards                 []int
	at                     time.Time // of the last checkpoint
}

func (s sharing) String() string {
	return fmt.Sprintf("consumer group %s is shared: consumer %s (%s) saved the checkpoint of shard %s, last at %s, so that each gets only a part of the logs",
		s.group, s.consumer, s.whose, strings.Trim(strings.ReplaceAll(fmt.Sprint(s.shards), " ", ", "), "[]"), s.at.Format(time.RFC3339))
}

// advice is what to do about it.
const advice = "give each function and each deployment a consumer group of its own (SLS_CG); then `siemfeed verify` tells what this one did not get, and `siemfeed backfill` delivers it"

// sharers lists who has saved checkpoints after since that is not this function.
func (c *Consumer) sharers(saved []sls.Checkpoint, since time.Time) (list []sharing) {
	for _, at := range saved {
		whose, ok := c.cfg.stranger(c.fn.Name, at.Consumer)
		if !ok || !at.Updated().After(since) || time.Since(at.Updated()) > lately {
			continue
		}
		i := slices.IndexFunc(list, func(s sharing) bool { return s.consumer == at.Consumer })
		if i < 0 {
			i, list = len(list), append(list, sharing{group: c.cfg.Group, consumer: at.Consumer, whose: whose})
		}
		s := &list[i]
		s.shards = append(s.shards, at.Shard)
		if at.Updated().After(s.at) {
			s.at = at.Updated()
		}
	}
	slices.SortFunc(list, func(a, b sharing) int { return cmp.Compare(a.consumer, b.consumer) })
	return list
}

// shared enters into the receipt who else reads from its group, by the checkpoints
// that the run found there; later on, of one that follows, by those that are there
// now: its own are its own. It is for the group of ordinary runs only, since that of
// a backfill nobody else can know.
func (l *ledger) shared(ctx context.Context, r *Receipt) error {
	if r.Group != l.c.cfg.Group {
		return nil
	}
	l.mu.Lock()
	saved := l.found
	l.found = nil
	l.mu.Unlock()
	if saved == nil {
		var err error
		if saved, err = l.c.sls.Checkpoints(ctx, l.c.cfg.Group); err != nil {
			return err
		}
	}
	if len(l.c.sharers(saved, time.Time{})) == 0 { // most often
		return nil
	}
	since, err := l.c.came(ctx)
	if err != nil {
		return err
	}
	for _, s := range l.c.sharers(saved, since.Add(handover)) {
		l.c.rt.Log.Warn("consumer group is shared", "consumer", s.consumer, "shards", s.shards, "saved_at", s.at, "fix", advice)
		r.Note(s.String() + ": " + advice)
	}
	return nil
}

// hear takes note of the checkpoints that a run finds.
func (l *ledger) hear(list []sls.Checkpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.found == nil {
		l.found = append([]sls.Checkpoint{}, list...)
	}
}

// came returns since when this function works in its group. Where it began in one
// that others had used before, that is recorded now.
func (c *Consumer) came(ctx context.Context) (time.Time, error) {
	var b sls.Beginning
	series := c.beginnings(c.cfg.Group)
	n, err := series.Latest(ctx, &b)
	if err != nil || n > 0 {
		return b.Settled, err
	}
	// The same as a worker settles where the group has begun: see sls.Beginnings.
	b = sls.Beginning{Settled: time.Now().UTC(), Cursors: map[int]string{}, Made: true}
	return b.Settled, series.Append(ctx, n+1, b)
}
