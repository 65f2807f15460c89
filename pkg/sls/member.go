package sls

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// member is a worker during one run. Its fields belong to the goroutine of
// loop, except where a lock stands beside them.
type member struct {
	w       *Worker
	initial []Shard // as the run began
	// beginning is the group's; nil where every shard has a checkpoint, or its
	// Start tells.
	beginning *Beginning

	backlog *backlog
	tasks   map[int]*task
	ended   chan *task // tasks whose goroutine is through
	// contested are the shards whose last checkpoint was refused in this run.
	contested map[int]*contested
	heard     time.Time // when the last heartbeat that got through was sent
	fatal     []error
	// abandon ends all work at once.
	abandon context.CancelCauseFunc
	idle    int // answers in a row, with nothing left to do, that brought nothing new

	past []ShardStatus // of tasks that are gone

	gapMu sync.Mutex
	gaps  []Gap

	savedMu sync.Mutex
	saved   []Checkpoint
	savedAt time.Time

	listMu sync.Mutex
	list   []Shard
	listed time.Time
}

// task is one shard while it is held.
type task struct {
	shard  int
	begun  time.Time
	state  *shardState
	stop   context.CancelFunc      // end in good order
	kill   context.CancelCauseFunc // end at once
	moving bool                    // to be handed over
	lost   bool
	over   bool // the goroutine is through, the shard still held
	err    error
}

func newMember(w *Worker, initial []Shard, beginning *Beginning) *member {
	return &member{
		w: w, backlog: newBacklog(w.o.MaxUnsaved, w.o.MaxUnsavedFor), initial: initial, beginning: beginning, list: initial, listed: time.Now(),
		tasks: map[int]*task{}, ended: make(chan *task), contested: map[int]*contested{},
	}
}

type answer struct {
	sent   time.Time
	shards []int
	err    error
}

// quiet is how many answers a drain waits for after its last shard, for
// those that are only given out when others are done.
const quiet = 3

// loop holds the shards until there is nothing left to do. Heartbeats are sent
// from a goroutine of their own, so that one that hangs cannot hide the end of
// ownership.
func (m *member) loop(ctx context.Context) error {
	// Work outlives ctx: a stop has until its grace is over to end well.
	work, abandon := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abandon(nil)
	m.abandon = abandon
	defer afterGrace(ctx, m.w.o.Grace, func() {
		abandon(fmt.Errorf("sls: stop not done within %s: %w", m.w.o.Grace, context.Cause(ctx)))
	})()

	answers := make(chan answer, 1)
	beating, urgent := false, false
	beat := time.NewTimer(0)
	defer beat.Stop()
	expiry := time.NewTimer(m.w.o.Timeout)
	defer expiry.Stop()
	stopping := ctx.Done()
	m.heard = time.Now()
	for !m.finished(ctx) {
		select {
		case <-stopping:
			stopping = nil
			m.stopAll()
		case <-beat.C:
			if beating {
				urgent = true
				break
			}
			if m.expired() {
				m.loseAll(errSilence)
			}
			beating = true
			held := m.held()
			go func() { answers <- m.beat(work, held) }()
		case a := <-answers:
			beating = false
			next := m.answered(work, ctx, a)
			if urgent {
				urgent, next = false, 0
			}
			beat.Reset(next)
			expiry.Reset(time.Until(m.heard.Add(m.ownedFor())))
		case <-expiry.C:
			m.loseAll(errSilence)
		case t := <-m.ended:
			if m.through(t) {
				beat.Reset(0) // hand over, or ask for more, without delay
			}
		}
	}
	abandon(nil) // of a heartbeat under way
	if beating {
		<-answers
	}
	return errors.Join(append(m.fatal, m.stuck()...)...)
}

var errSilence = errors.New("sls: no heartbeat got through for almost the group's timeout")

// ownedFor is how long after a heartbeat was sent the shards are surely ours:
// a tenth of the timeout is kept for clocks that run apart and for what is
// still on its way when everything stops.
func (m *member) ownedFor() time.Duration { return m.w.o.Timeout * 9 / 10 }

// expired tells whether ownership is over, by either clock: the monotonic one
// stands still while a machine sleeps, the wall clock may be set back.
func (m *member) expired() bool {
	now, end := time.Now(), m.heard.Add(m.ownedFor())
	return now.After(end) || now.Round(0).After(end.Round(0))
}

// beat sends a heartbeat. It gives up in time for the next.
func (m *member) beat(ctx context.Context, held []int) answer {
	sent := time.Now()
	ctx, cancel := context.WithTimeout(ctx, m.w.o.Timeout/2)
	defer cancel()
	shards, err := m.w.client.Heartbeat(ctx, m.w.group, m.w.consumer, held)
	return answer{sent, shards, err}
}

// held lists the shards to report: all whose work is not lost.
func (m *member) held() []int {
	out := []int{}
	for _, id := range slices.Sorted(maps.Keys(m.tasks)) {
		if !m.tasks[id].lost {
			out = append(out, id)
		}
	}
	return out
}

// answered takes over an answer and returns how long to wait for the next
// heartbeat.
func (m *member) answered(work, ctx context.Context, a answer) time.Duration {
	if a.err != nil {
		m.w.o.OnEvent(Event{Shard: -1, Kind: HeartbeatFailed, Err: a.err})
		switch {
		case IsCode(a.err, CodeConsumerBodyUnknown):
			m.loseAll(a.err) // the service has forgotten this consumer
		case IsConfig(a.err), IsCode(a.err, CodeGroupNotExist), time.Since(m.heard) > 2*m.w.o.Timeout:
			m.fail(fmt.Errorf("heartbeat: %w", a.err))
		}
		return m.w.o.Heartbeat / 4
	}
	if time.Since(a.sent) > m.ownedFor() {
		return 0 // too old to say anything, as after the machine slept
	}
	m.heard = a.sent
	m.idle++
	for _, id := range a.shards {
		if m.tasks[id] == nil && ctx.Err() == nil && len(m.fatal) == 0 {
			m.idle = 0
			if m.mayBegin(id, a.sent) {
				m.begin(work, id)
			}
		}
	}
	m.forgive(a)
	for id, t := range m.tasks {
		if slices.Contains(a.shards, id) || t.lost {
			continue
		}
		if t.over {
			m.drop(t)
			continue
		}
		t.moving = true
		t.stop()
	}
	if m.w.o.Drain && m.allOver() && len(m.contested) == 0 {
		return min(m.w.o.Heartbeat, 100*time.Millisecond)
	}
	return m.w.o.Heartbeat
}

// begin starts to read a shard.
func (m *member) begin(work context.Context, id int) {
	ctx, kill := context.WithCancelCause(work)
	stopped, stop := context.WithCancel(ctx)
	t := &task{shard: id, begun: time.Now(), state: &shardState{s: ShardStatus{Shard: id}}, stop: stop, kill: kill}
	m.tasks[id] = t
	m.w.watch(id, t.state)
	m.w.o.OnEvent(Event{Shard: id, Kind: Assigned})
	go func() {
		defer kill(nil)
		defer stop()
		t.err = m.read(ctx, stopped, t)
		m.ended <- t
	}()
}

// read runs a task.
func (m *member) read(ctx, stopped context.Context, t *task) error {
	start, saved, err := m.position(stopped, t)
	if err != nil {
		return m.gone(t, err)
	}
	end, err := m.limit(stopped, t.shard)
	if err != nil {
		return m.gone(t, err)
	}
	t.state.update(func(s *ShardStatus) { s.Start, s.Position, s.End = start, start, end })
	run := &shardRun{
		client: m.w.client, processor: m.w.processor, o: m.w.o.read(), shard: t.shard,
		cursor: start, end: end, saved: saved, state: t.state,
		readOnly: m.readOnly, gap: m.gap, backlog: m.backlog,
		save: func(ctx context.Context, cursor string) error { return m.save(ctx, t.shard, cursor) },
	}
	finished, err := run.run(ctx, stopped)
	t.state.update(func(s *ShardStatus) { s.Finished = finished })
	return m.gone(t, err)
}

func (m *member) gone(t *task, err error) error { return t.state.gone(err, m.w.o.read(), m.gap) }

func (m *member) save(ctx context.Context, shard int, cursor string) error {
	err := m.w.client.SaveCheckpoint(ctx, m.w.group, m.w.consumer, shard, cursor)
	if IsCode(err, CodeConsumerNotMatch, CodeConsumerNotExist) {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return err
}

// gap tells of a gap before the reading goes on behind it, so that whoever
// hears of it can keep that before a checkpoint does.
func (m *member) gap(g Gap) {
	m.gapMu.Lock()
	m.gaps = append(m.gaps, g)
	m.gapMu.Unlock()
	m.w.o.OnGap(g)
}
