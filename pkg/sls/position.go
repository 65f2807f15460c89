package sls

import (
	"context"
	"slices"
	"time"
)

// position finds where to begin with a shard: at its checkpoint, or where the
// group begins, which it then saves as the first checkpoint. What is saved is
// empty where logs before that are gone: a receipt is to tell of it first.
func (m *member) position(ctx context.Context, t *task) (start, saved string, err error) {
	all, err := m.checkpoints(ctx, t.begun)
	if err != nil {
		return "", "", err
	}
	for _, c := range all {
		if c.Shard == t.shard && c.Cursor != "" {
			return c.Cursor, c.Cursor, nil
		}
	}
	start, gone, err := m.first(ctx, t.shard)
	if err != nil || gone {
		return start, "", err
	}
	return start, start, m.save(ctx, t.shard, start)
}

// first is where the group begins in a shard, see [Worker.settle], and whether logs
// before that are gone which should have been read.
func (m *member) first(ctx context.Context, shard int) (start string, gone bool, err error) {
	if m.w.o.Beginnings == nil {
		start, err = m.w.start(ctx, shard)
		return start, false, err
	}
	if m.beginning != nil && m.beginning.Cursors[shard] != "" {
		return m.beginning.Cursors[shard], false, nil
	}
	start, err = m.w.client.Cursor(ctx, shard, Begin)
	if err != nil {
		return "", false, err
	}
	gap, gone, err := m.missed(ctx, shard, start)
	if err != nil || !gone {
		return start, false, err
	}
	return start, true, m.w.o.read().accept(gap, m.gap, nil)
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
