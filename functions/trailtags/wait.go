package trailtags

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/siemfeed/siemfeed/pkg/actiontrail"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// waiting is an event whose tags are being looked up. It has a copy of its own of
// what it needs, so that it keeps no page in memory, and holds its page from being
// confirmed.
type waiting struct {
	event
	sink *sink
	size int64

	open atomic.Int32 // lookups without an answer

	mu  sync.Mutex
	err error // why one has none
}

// wait looks up what is not known of an event. It blocks while too many wait.
func (s *sink) wait(ctx context.Context, v *event) error {
	patient := s.patience(v.src.page)
	w := &waiting{event: *v, sink: s}
	w.own()
	if err := s.room.Acquire(patient, w.size); err != nil {
		return context.Cause(patient)
	}
	missing := 0
	for i := range w.answers {
		if w.answers[i].Status == "" {
			missing++
		}
	}
	w.open.Store(int32(missing)) //nolint:gosec // a page holds no more
	v.src.page.Hold()
	s.waits.Add(1)
	for i := range w.resources {
		if v.answers[i].Status != "" {
			continue
		}
		s.f.tags.Lookup(patient, w.resource(i), w.change, func(a alitags.Answer, err error) { w.answer(i, a, err) })
	}
	return context.Cause(ctx)
}

// own gives the event memory of its own.
func (w *waiting) own() {
	w.common = bytes.Clone(w.common)
	w.answers = append([]alitags.Answer(nil), w.answers...)
	w.account, w.region, w.change.Name = strings.Clone(w.account), strings.Clone(w.region), strings.Clone(w.change.Name)
	size := len(w.common)
	resources := make([]actiontrail.Resource, len(w.resources))
	for i, r := range w.resources {
		r.Type, r.Name, r.Account, r.Region = bytes.Clone(r.Type), bytes.Clone(r.Name), bytes.Clone(r.Account), bytes.Clone(r.Region)
		resources[i] = r
		size += len(r.Type) + len(r.Name) + perResource
	}
	w.resources = resources
	w.size = min(int64(size)+perEvent, waitRoom)
}

// What an event and a resource take besides their text while they wait, here and
// in the tag client.
const (
	perEvent    = 512
	perResource = 512
)

// answer takes the answer of one lookup. It must not block.
func (w *waiting) answer(i int, a alitags.Answer, err error) {
	if err != nil {
		w.mu.Lock()
		if w.err == nil {
			w.err = err
		}
		w.mu.Unlock()
	} else {
		w.answers[i] = a
	}
	if w.open.Add(-1) == 0 {
		w.sink.ready.put(w)
	}
}

// emitReady makes rows of the events that have their answers.
func (s *sink) emitReady() {
	var rows rowWriter
	for {
		w := s.ready.get()
		if w == nil {
			return
		}
		s.resolved(w, &rows)
	}
}

func (s *sink) resolved(w *waiting, rows *rowWriter) {
	defer s.waits.Done()
	defer s.room.Release(w.size)
	if alitags.IsFault(w.err) {
		s.abort(w.err) // nothing can be looked up
	}
	err := w.err
	if err != nil && errors.Is(err, context.Canceled) && context.Cause(s.ctx) != nil {
		err = context.Cause(s.ctx)
	}
	if err == nil {
		s.emit(&w.event, rows)
	}
	w.src.page.Settle(consume.Counts{}, err)
}

// patience is how long events of a shard wait.
type patience struct {
	page context.Context // that it is made of
	ctx  context.Context // ends when an event of it would wait in vain
	end  func()
}

// patience returns the context of lookups for events of a page. It ends when they
// may not be sent any more, or there is no time for it.
func (s *sink) patience(p *consume.Page) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.patient[p.Shard]
	if ok && old.page == p.Context() {
		return old.ctx
	}
	if ok {
		old.end()
	}
	ctx, cancel := context.WithCancelCause(p.Context())
	run := context.AfterFunc(s.ctx, func() { cancel(context.Cause(s.ctx)) })
	late := context.AfterFunc(s.timing.Waiting(), func() { cancel(context.Cause(s.timing.Waiting())) })
	s.patient[p.Shard] = patience{p.Context(), ctx, func() { run(); late(); cancel(context.Canceled) }}
	return ctx
}

// ready is a queue of events that have their answers. It takes any number, since
// whoever tells an answer must not wait; how many there can be is bounded by what
// may wait.
type ready struct {
	mu     sync.Mutex
	some   *sync.Cond
	events []*waiting
	closed bool
}

func (q *ready) init() { q.some = sync.NewCond(&q.mu) }

func (q *ready) put(w *waiting) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events = append(q.events, w)
	q.some.Signal()
}

// get waits for an event; nil is the end.
func (q *ready) get() *waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.events) == 0 {
		if q.closed {
			return nil
		}
		q.some.Wait()
	}
	w := q.events[0]
	q.events[0] = nil
	q.events = q.events[1:]
	return w
}

func (q *ready) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.some.Broadcast()
}
