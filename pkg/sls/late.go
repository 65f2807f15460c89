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
// that no checkpoint is known of: it came after the group had begun, longer ago than
// logs need be kept, and its oldest log did not come with it. A shard that holds
// nothing is taken for one that never did.
func (m *member) missed(ctx context.Context, shard int, begin string) (g Gap, ok bool, err error) {
	list, err := m.shards(ctx, shard)
	i := slices.IndexFunc(list, func(s Shard) bool { return s.ID == shard })
	if err != nil || i < 0 {
		return g, false, err
	}
	came := time.Unix(list[i].CreateTime, 0).UTC()
	if time.Since(came) < shortest || !m.afterwards(came) {
		return g, false, nil
	}
	end, err := m.w.client.Cursor(ctx, shard, End)
	if err != nil || reached(begin, end) {
		return g, false, err
	}
	oldest, err := m.w.client.CursorTime(ctx, shard, begin)
	if err != nil || oldest.Sub(came) < settling {
		return g, false, err
	}
	return Gap{Shard: shard, To: begin, Groups: -1, Since: came, Until: oldest}, true, nil
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
