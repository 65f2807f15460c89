package sls

import (
	"context"
	"errors"
	"slices"
	"time"
)

// through takes note of a task whose goroutine has ended, and returns whether
// the service should hear of it at once.
func (m *member) through(t *task) bool {
	t.over = true
	if t.err == nil || t.state.get().Checkpoint != "" {
		delete(m.contested, t.shard)
	}
	stopped := t.err != nil && t.state.get().Start == "" && errors.Is(t.err, context.Canceled)
	switch {
	case t.lost || errors.Is(t.err, ErrLost):
		t.lost = true
		t.state.update(func(s *ShardStatus) { s.Lost = true })
		m.w.o.OnEvent(Event{Shard: t.shard, Kind: ShardLost, Err: t.err})
		m.drop(t)
		return !m.refuse(t)
	case t.err != nil && !stopped:
		m.fail(t.err)
	case t.moving:
		m.w.o.OnEvent(Event{Shard: t.shard, Kind: Released})
		m.drop(t)
	case t.state.get().Finished:
		// Still ours: to let go of it would only have it assigned again.
		m.w.o.OnEvent(Event{Shard: t.shard, Kind: ShardFinished})
		m.idle = 0
		return true // its children may be had now
	}
	return t.moving
}

// drop forgets a task; its shard is no longer reported.
func (m *member) drop(t *task) {
	delete(m.tasks, t.shard)
	m.w.unwatch(t.shard)
	m.past = append(m.past, t.state.get())
}

// maxFatal is how many different errors a run returns: what is wrong with one
// shard is often wrong with all.
const maxFatal = 4

// fail ends the run in good order.
func (m *member) fail(err error) {
	if len(m.fatal) == 0 {
		time.AfterFunc(m.w.o.Grace, func() { m.abandon(err) })
	}
	said := slices.ContainsFunc(m.fatal, func(e error) bool { return e.Error() == err.Error() })
	if !said && len(m.fatal) < maxFatal {
		m.fatal = append(m.fatal, err)
	}
	m.stopAll()
}

func (m *member) stopAll() {
	for _, t := range m.tasks {
		t.stop()
	}
}

// loseAll ends all work at once: the shards may belong to others from now on.
func (m *member) loseAll(reason error) {
	for _, t := range m.tasks {
		if !t.over {
			t.lost = true
			t.kill(errors.Join(ErrLost, reason))
			continue
		}
		m.drop(t)
	}
}

func (m *member) allOver() bool {
	for _, t := range m.tasks {
		if !t.over {
			return false
		}
	}
	return true
}

// finished tells whether there is nothing left to do or to wait for.
func (m *member) finished(ctx context.Context) bool {
	if !m.allOver() {
		return false
	}
	if ctx.Err() != nil || len(m.fatal) > 0 {
		return true
	}
	return m.w.o.Drain && len(m.contested) == 0 && (m.idle >= quiet || len(m.unassigned()) == 0 && m.allFinished())
}

func (m *member) allFinished() bool {
	for _, t := range m.tasks {
		if !t.state.get().Finished {
			return false
		}
	}
	return true
}

// unassigned lists the shards of the run's beginning that it never held.
func (m *member) unassigned() []int {
	var out []int
	for _, s := range m.initial {
		held := m.tasks[s.ID] != nil || slices.ContainsFunc(m.past, func(p ShardStatus) bool { return p.Shard == s.ID })
		if !held {
			out = append(out, s.ID)
		}
	}
	return out
}

// result sums up the run. A shard that came and went and came again counts
// once, with its last state.
func (m *member) result() Result {
	last := map[int]ShardStatus{}
	for _, s := range m.past {
		last[s.Shard] = add(last[s.Shard], s)
	}
	for _, t := range m.tasks {
		last[t.shard] = add(last[t.shard], t.state.get())
	}
	r := Result{Unassigned: m.unassigned()}
	for _, s := range last {
		r.Shards = append(r.Shards, s)
	}
	slices.SortFunc(r.Shards, func(a, b ShardStatus) int { return a.Shard - b.Shard })
	m.gapMu.Lock()
	defer m.gapMu.Unlock()
	r.Gaps = m.gaps
	return r
}

// add puts a later stretch of a shard on top of an earlier one.
func add(before, s ShardStatus) ShardStatus {
	if before.Start != "" {
		s.Start = before.Start
	}
	if s.Checkpoint == "" {
		s.Checkpoint = before.Checkpoint
	}
	s.Pages += before.Pages
	s.Groups += before.Groups
	s.RawBytes += before.RawBytes
	s.WireBytes += before.WireBytes
	s.Lost = s.Lost || before.Lost
	return s
}
