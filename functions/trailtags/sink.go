package trailtags

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/siemfeed/siemfeed/pkg/actiontrail"
	"github.com/siemfeed/siemfeed/pkg/alitags"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// sink carries the events of one run to the target. It is a [consume.Sink]: pages
// come in from every shard at once; rows of all of them fill one group at a time,
// and each full group is written on its own. A group that does not fill is
// written after linger.
type sink struct {
	f      *Function
	writer *sls.Writer
	timing *consume.Timing
	began  alitags.Stats
	loaded func(context.Context) error

	ctx   context.Context // ends, with the reason, when nothing may be sent any more
	abort context.CancelCauseFunc

	// What waits for tags: bounded by room, in bytes.
	room    *semaphore.Weighted
	waits   sync.WaitGroup
	ready   ready
	mu      sync.Mutex
	patient map[int]patience // by shard
	repeats int64            // possible ones, as far as they are counted

	filling sync.Mutex
	next    *write        // being filled, if any
	ahead   chan struct{} // closed when the write launched last has begun
	free    chan *write   // those that are not in use

	writes  sync.WaitGroup
	workers sync.WaitGroup
	closing chan struct{}
}

const (
	// linger is how long a group that is not full waits for more rows.
	linger = 100 * time.Millisecond
	// groupBytes is when a group is full: a sixth of what SLS takes.
	groupBytes = 512 << 10
	// groups may be in use at once: one is filled, the others are written.
	groups = 4
	// waitRoom bounds the events that wait for their tags, in bytes: some thousand.
	waitRoom = 6 << 20
)

// begin begins a run's sink, see [consume.Function].
func (f *Function) begin(ctx context.Context, timing *consume.Timing) consume.Sink {
	s := &sink{
		f: f, timing: timing, began: f.tags.Stats(), loaded: once(f.load),
		writer: f.writer(),
		room:   semaphore.NewWeighted(waitRoom), patient: map[int]patience{},
		free: make(chan *write, groups), closing: make(chan struct{}),
	}
	s.ctx, s.abort = context.WithCancelCause(ctx)
	s.ready.init()
	for range groups {
		s.free <- &write{sink: s}
	}
	s.workers.Go(s.tick)
	s.workers.Go(s.emitReady)
	return s
}

// once calls f until it has succeeded.
func once(f func(context.Context) error) func(context.Context) error {
	var mu sync.Mutex
	done := false
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if done {
			return nil
		}
		err := f(ctx)
		done = err == nil
		return err
	}
}

// reader is what reads a page. It belongs to one goroutine at a time.
type reader struct {
	decoder actiontrail.Decoder
	group   sls.Group
	log     sls.Log
	event   event
	rows    rowWriter
	now     time.Time
	tally   tally
	counts  consume.Counts
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// Take implements [consume.Sink].
func (s *sink) Take(ctx context.Context, p *consume.Page) (consume.Counts, error) {
	if err := context.Cause(s.ctx); err != nil {
		return consume.Counts{}, err
	}
	if err := s.loaded(ctx); err != nil {
		return consume.Counts{}, err
	}
	r := readers.Get().(*reader) //nolint:forcetypeassert // there is nothing else in it
	defer readers.Put(r)
	r.now, r.tally, r.counts = time.Now(), tally{}, consume.Counts{}
	src := &source{page: p}
	c, err := p.Walk(&r.group, func() (int, error) {
		logs := r.group.Reader()
		n := 0
		for ; logs.Next(&r.log); n++ {
			if err := s.take(ctx, r, src); err != nil {
				return n, err
			}
		}
		return n, nil
	})
	r.counts.More = r.tally.more()
	c.Add(r.counts)
	return c, err
}

// source is a page as its rows see it.
type source struct {
	page *consume.Page

	mu      sync.Mutex
	refused map[consume.Row]bool // events that have a row in quarantine
}

// refuse notes that a row of an event was refused, and tells whether it is the
// event's first.
func (s *source) refuse(at consume.Row) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at.Row = 0
	if s.refused[at] {
		return false
	}
	if s.refused == nil {
		s.refused = map[consume.Row]bool{}
	}
	s.refused[at] = true
	return true
}

// tick writes groups that wait for more rows in vain.
func (s *sink) tick() {
	t := time.NewTicker(linger / 2)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-s.closing:
			return
		}
		if s.filling.TryLock() {
			if s.next != nil && time.Since(s.next.since) >= linger {
				s.launch()
			}
			s.filling.Unlock()
		}
	}
}

// Close implements [consume.Sink].
func (s *sink) Close() {
	s.waits.Wait()
	close(s.closing)
	s.ready.close()
	s.workers.Wait()
	s.filling.Lock()
	if s.next != nil {
		s.launch()
	}
	s.filling.Unlock()
	s.writes.Wait()
	s.abort(context.Canceled)
	for _, p := range s.patient {
		p.end()
	}
}
