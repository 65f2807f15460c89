package sls

import (
	"context"
	"slices"
	"time"
)

// What a shard lacks that came while nobody read: no checkpoint tells, since it has
// none, and its beginning is simply the oldest log that is left.
const (
	// shortest is the least time that a logstore keeps its logs. Source: CreateLogStore,
	// ttl in days.
	shortest = 24 * time.Hour
	// settling is how long after a shard came its first log may be received, and
	// nothing be missing: what is split has traffic. The service's clocks may differ too.
	settling = 10 * time.Minute
)

// missed tells what is gone of a shard that is begun at begin, its oldest log, and
// that no checkpoint is known of: if it came after the group had begun, all that it
// has forgotten.
func (m *member) missed(ctx context.Context, shard int, begin string) (g Gap, ok bool, err error) {
	list, err := m.shards(ctx, shard)
	i := slices.IndexFunc(list, func(s Shard) bool { return s.ID == shard })
	if err != nil || i < 0 {
		return g, false, err
	}
	if came := list[i].Created(); !m.afterwards(came) {
		return g, false, nil
	}
	return m.w.client.forgotten(ctx, list, list[i], begin, list[i].Created())
}

// forgotten tells what is gone of a shard, one of list, before begin, its oldest log:
// it came longer ago than logs need be kept, and its oldest log did not come with it,
// nor does another shard show that logs of the time asked about are kept. A shard that
// holds nothing is taken for one that never did.
func (c *Client) forgotten(ctx context.Context, list []Shard, s Shard, begin string, about time.Time) (g Gap, ok bool, err error) {
	if time.Since(s.Created()) < shortest {
		return g, false, nil
	}
	end, err := c.Cursor(ctx, s.ID, End)
	if err != nil || reached(begin, end) {
		return g, false, err
	}
	oldest, err := c.CursorTime(ctx, s.ID, begin)
	if err != nil || oldest.Sub(s.Created()) < settling {
		return g, false, err
	}
	if kept, err := c.keeps(ctx, list, s, about); err != nil || kept {
		return g, false, err
	}
	return Gap{Shard: s.ID, To: begin, Groups: -1, Since: s.Created(), Until: oldest}, true, nil
}

// keeps tells whether a shard of list other than one still holds a log that was
// received before the given time: all shards of a logstore keep their logs for the same
// time, so that nothing can be gone from that one since, and it was only quiet.
func (c *Client) keeps(ctx context.Context, list []Shard, other Shard, since time.Time) (bool, error) {
	for _, s := range list { // by their numbers, so that the oldest are asked first
		if s.ID == other.ID || !s.Created().Before(since) {
			continue
		}
		begin, err := c.Cursor(ctx, s.ID, Begin)
		if IsCode(err, CodeShardNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		end, err := c.Cursor(ctx, s.ID, End)
		if err != nil {
			return false, err
		}
		if reached(begin, end) {
			continue
		}
		if oldest, err := c.CursorTime(ctx, s.ID, begin); err != nil || oldest.Before(since) {
			return err == nil, err
		}
	}
	return false, nil
}

// Forgotten tells up to when nothing is left of what a shard, one of list, received
// from the given time on: whatever that was is kept no longer, or there was nothing. It
// is the zero time where something of then is left, or could not be gone yet.
func (c *Client) Forgotten(ctx context.Context, list []Shard, s Shard, from time.Time) (until time.Time, err error) {
	if time.Since(from) < shortest {
		return until, nil
	}
	begin, err := c.Cursor(ctx, s.ID, Begin)
	if err != nil {
		return until, err
	}
	about := s.Created()
	if from.After(about) {
		about = from
	}
	g, ok, err := c.forgotten(ctx, list, s, begin, about)
	if err != nil || !ok || g.Until.Sub(from) < settling {
		return until, err
	}
	return g.Until, nil
}

// afterwards tells whether a shard that came at the given time did so after the
// group had begun: after that was settled, or after anything of it was saved, where
// it began before there was a record of it.
func (m *member) afterwards(came time.Time) bool {
	if m.beginning == nil || came.After(m.beginning.Settled) {
		return true // every shard there was had a checkpoint, or is among its cursors
	}
	m.savedMu.Lock()
	defer m.savedMu.Unlock()
	return len(m.saved) > 0 && !slices.ContainsFunc(m.saved, func(c Checkpoint) bool {
		return c.Cursor != "" && !c.Updated().Before(came)
	})
}
