package sls

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Worker is one member of a consumer group.
//
// It owns its shards while heartbeats succeed: no other member is then given
// them. A shard that is to move is drained first: no new pulls, the
// pages under way confirmed, the checkpoint saved, heartbeats all the while;
// only then is it no longer reported. When heartbeats fail for nine tenths of
// the group's timeout, everything stops at once and nothing more is saved. A
// checkpoint is never forced, so that the service refuses one from a member
// that has lost its shard without knowing.
//
// The service has no call by which a member leaves. A heartbeat without
// shards would only prolong its membership, so a worker that stops just falls
// silent, once its checkpoints are saved: others get its shards after the
// timeout, and a worker that comes back under the same name gets them at once.
type Worker struct {
	client          *Client
	group, consumer string
	processor       Processor
	o               WorkerOptions

	mu   sync.Mutex
	live map[int]*shardState
}

// NewWorker returns a worker that joins the group under the name consumer.
// Two that are alive at the same time must not share a name.
func NewWorker(c *Client, group, consumer string, p Processor, o WorkerOptions) (*Worker, error) {
	o.setDefaults()
	err := o.validate()
	if !name.MatchString(group) {
		err = errors.Join(err, fmt.Errorf("consumer group %q: want letters, digits, hyphens and underscores", group))
	}
	if consumer == "" {
		err = errors.Join(err, errors.New("no consumer name"))
	}
	if err != nil {
		return nil, fmt.Errorf("sls: %w", err)
	}
	return &Worker{client: c, group: group, consumer: consumer, processor: p, o: o, live: map[int]*shardState{}}, nil
}

// Result is what a run did.
type Result struct {
	Shards []ShardStatus // every shard that was held, by number
	// Unassigned are shards that existed when the run began and were never
	// given to it: another member holds them, or their parents are unread.
	Unassigned []int
	Gaps       []Gap
}

// Complete tells whether every shard that existed when the run began was read
// to its end and confirmed.
func (r Result) Complete() bool {
	return len(r.Unassigned) == 0 &&
		!slices.ContainsFunc(r.Shards, func(s ShardStatus) bool { return !s.Finished })
}

// Run works until the drain is done, or ctx ends, which stops it in good order
// within Grace and is no error. It returns what was done also beside an error.
func (w *Worker) Run(ctx context.Context) (Result, error) {
	m, err := w.join(ctx)
	if err != nil {
		return Result{}, err
	}
	err = m.loop(ctx)
	for id := range m.tasks {
		w.unwatch(id)
	}
	return m.result(), err
}

// join makes sure of the group, and that it has a beginning.
func (w *Worker) join(ctx context.Context) (*member, error) {
	shards, err := w.client.Shards(ctx)
	if err != nil {
		return nil, err
	}
	beginning, err := w.settle(ctx, shards)
	if err != nil {
		return nil, err
	}
	return newMember(w, shards, beginning), nil
}

// Status returns how far each shard is that the worker holds now, by number.
// It may be called while Run is under way.
func (w *Worker) Status() []ShardStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []ShardStatus
	for _, id := range slices.Sorted(maps.Keys(w.live)) {
		out = append(out, w.live[id].get())
	}
	return out
}

func (w *Worker) watch(id int, s *shardState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live[id] = s
}

func (w *Worker) unwatch(id int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.live, id)
}
