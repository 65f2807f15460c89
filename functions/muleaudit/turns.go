package muleaudit

import (
	"context"
	"slices"
	"sync"
	"time"
)

// turns lets a few walks at a time read all legs, so that none waits for
// another to end: each has an equal share of the time that is left, and comes
// again after the others if that did not suffice. Walks that would idle take over
// the rear of the longest leg.
type turns struct {
	f       *Function
	mu      sync.Mutex
	changed *sync.Cond
	waiting []*leg
	walking []*leg
}

// takeTurns reads the legs until they or the run's time end. An
// organisation that fails takes no further turn and holds up no other.
func (f *Function) takeTurns(ctx context.Context, all []*leg) {
	t := &turns{f: f, waiting: all}
	t.changed = sync.NewCond(&t.mu)
	stop := context.AfterFunc(ctx, t.changed.Broadcast)
	defer stop()
	stopTicks := t.tick(ctx)
	defer stopTicks()
	var wg sync.WaitGroup
	for range f.cfg.walks() {
		wg.Go(func() {
			for s, until := t.take(ctx); s != nil; s, until = t.take(ctx) {
				s.e.fail(ctx, f.walk(ctx, s, until))
				t.put(s)
			}
		})
	}
	wg.Wait()
}

// tick has idle walks look again, from time to time, for a leg to split.
func (t *turns) tick(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				t.changed.Broadcast()
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// take returns the next leg and the end of its turn, or nil when there is
// none.
func (t *turns) take(ctx context.Context) (*leg, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ctx.Err() == nil {
		for len(t.waiting) > 0 {
			s := t.waiting[0]
			t.waiting = t.waiting[1:]
			if !s.e.stopped() {
				return t.start(ctx, s)
			}
		}
		if len(t.walking) == 0 {
			break
		}
		if s := t.split(); s != nil {
			return t.start(ctx, s)
		}
		t.changed.Wait()
	}
	t.changed.Broadcast()
	return nil, time.Time{}
}

// start begins a turn: a leg's share of the time that is left, of which as
// many go by at once as there are walks.
func (t *turns) start(ctx context.Context, s *leg) (*leg, time.Time) {
	t.walking = append(t.walking, s)
	deadline, ok := ctx.Deadline()
	if !ok || len(t.waiting) == 0 {
		return s, time.Time{}
	}
	rounds := 1 + float64(len(t.waiting))/float64(t.f.cfg.walks())
	return s, time.Now().Add(time.Duration(float64(time.Until(deadline)) / rounds))
}

func (t *turns) split() *leg {
	longest := slices.MaxFunc(t.walking, func(a, b *leg) int { return int(a.left() - b.left()) })
	if longest.left() == 0 {
		return nil
	}
	return longest.split()
}

// put ends a turn.
func (t *turns) put(s *leg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.walking = slices.DeleteFunc(t.walking, func(other *leg) bool { return other == s })
	if !s.done() {
		t.waiting = append(t.waiting, s)
	}
	t.changed.Broadcast()
}
