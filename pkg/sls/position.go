package sls

import (
	"context"
	"slices"
	"time"
)

// position finds where to begin with a shard: at its checkpoint, or where the
// group begins, which it then saves as the first checkpoint.
func (m *member) position(ctx context.Context, t *task) (string, error) {
	all, err := m.checkpoints(ctx, t.begun)
	if err != nil {
		return "", err
	}
	for _, c := range all {
		if c.Shard == t.shard && c.Cursor != "" {
			return c.Cursor, nil
		}
	}
	start, err := m.first(ctx, t.shard)
	if err != nil {
		return "", err
	}
	return start, m.save(ctx, t.shard, start)
}

// first is where the group begins in a shard: see [Worker.settle].
func (m *member) first(ctx context.Context, shard int) (string, error) {
	if m.w.o.Beginnings == nil {
		return m.w.start(ctx, shard)
	}
	if m.beginning != nil && m.beginning.Cursors[shard] != "" {
		return m.beginning.Cursors[shard], nil
	}
	return m.w.client.Cursor(ctx, shard, Begin)
}

// limit is the cursor a drain of the shard ends at, "" when following.
func (m *member) limit(ctx context.Context, shard int) (string, error) {
	switch {
	case !m.w.o.Drain:
		return "", nil
	case !m.w.o.Until.IsZero():
		return m.w.client.CursorAt(ctx, shard, m.w.o.Until)
	}
	return m.w.client.Cursor(ctx, shard, End)
}

// checkpoints lists what the group has saved, as it was at the given time or
// later: shards that were assigned together share one call.
func (m *member) checkpoints(ctx context.Context, since time.Time) ([]Checkpoint, error) {
	m.savedMu.Lock()
	defer m.savedMu.Unlock()
	if !m.savedAt.Before(since) {
		return m.saved, nil
	}
	at := time.Now()
	saved, err := m.w.client.Checkpoints(ctx, m.w.group)
	if err == nil {
		m.saved, m.savedAt = saved, at
	}
	return saved, err
}

// shards lists the logstore's shards, from memory when that is fresh enough
// and knows the shard that is asked about.
func (m *member) shards(ctx context.Context, about int) ([]Shard, error) {
	m.listMu.Lock()
	defer m.listMu.Unlock()
	known := slices.ContainsFunc(m.list, func(s Shard) bool { return s.ID == about })
	if known && time.Since(m.listed) < m.w.o.Heartbeat {
		return m.list, nil
	}
	list, err := m.w.client.Shards(ctx)
	if err == nil {
		m.list, m.listed = list, time.Now()
	}
	return list, err
}

// readOnly tells whether a shard can get no more logs. One that is no longer
// listed cannot either.
func (m *member) readOnly(ctx context.Context, shard int) (bool, error) {
	list, err := m.shards(ctx, shard)
	i := slices.IndexFunc(list, func(s Shard) bool { return s.ID == shard })
	return err == nil && (i < 0 || list[i].ReadOnly()), err
}
