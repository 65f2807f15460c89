package slshec

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// sink carries the pages of one run to Splunk. It is a [consume.Sink]: pages
// come in from every shard at once, a few writers, one for each core, make events
// of them in HEC batches, and each full batch is sent on its own. A page is held
// for each batch that has events of it.
//
// A batch holds events of whatever pages came along, of several shards too:
// with a hundred shards of little traffic each, one request carries them all.
// A batch that does not fill is sent after linger.
type sink struct {
	hec     *hec.Client
	session *hec.Session
	cfg     *Config
	timing  *consume.Timing

	slots   chan struct{}   // one for each request under way; nil if the client is to see to that
	ctx     context.Context // ends, with the reason, when nothing may be sent any more
	abort   context.CancelCauseFunc
	writers []*writer

	sends   sync.WaitGroup
	ticker  sync.WaitGroup
	closing chan struct{}

	mu     sync.Mutex
	writer map[int]*writer // by shard
}

// linger is how long a batch that is not full waits for more.
const linger = 100 * time.Millisecond

// writer makes events of one page at a time. The pages of a shard go to the same
// one, and its batches are sent in order, so that no event is sent behind one
// that is left.
type writer struct {
	busy   chan struct{} // holds one while a page is read
	ahead  chan struct{} // closed when the send before has begun
	mu     sync.Mutex    // of next, against the ticker
	next   *send         // whose batch is being filled, if any
	mapper mapper
	group  sls.Group
	log    sls.Log
	ratio  float64 // bytes of events to bytes of logs, as seen last
}

// grows estimates how many bytes of events a page of n bytes becomes.
func (w *writer) grows(n int) int { return int(w.ratio * float64(n)) }

// begin begins a run's sink, see [consume.Function].
func (f *Function) begin(ctx context.Context, timing *consume.Timing) consume.Sink {
	s := &sink{hec: f.hec, session: f.hec.Session(), cfg: &f.cfg, timing: timing, closing: make(chan struct{}), writer: map[int]*writer{}}
	s.ctx, s.abort = context.WithCancelCause(ctx)
	if !f.cfg.Ack { // a request is over long before it is acknowledged
		s.slots = make(chan struct{}, f.cfg.HECConcurrency)
	}
	n := min(runtime.GOMAXPROCS(0), f.cfg.HECConcurrency)
	for range n {
		s.writers = append(s.writers, &writer{busy: make(chan struct{}, 1), mapper: newMapper(&f.cfg)})
	}
	s.ticker.Go(s.tick)
	return s
}

// Take implements [consume.Sink].
func (s *sink) Take(ctx context.Context, p *consume.Page) (consume.Counts, error) {
	w := s.writerOf(p.Shard)
	select {
	case w.busy <- struct{}{}:
	case <-ctx.Done():
		return consume.Counts{}, context.Cause(ctx)
	case <-s.ctx.Done():
		return consume.Counts{}, context.Cause(s.ctx)
	}
	defer func() { <-w.busy }()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next != nil && w.next.batch.Size()+w.grows(len(p.Raw)) > s.cfg.BatchBytes {
		w.begin() // rather than to have the page's events in two
	}
	c, err := s.read(w, p)
	if w.next != nil && len(w.next.parts) == 1 && err == nil && len(p.Raw) > 0 {
		w.ratio = float64(w.next.batch.Size()) / float64(len(p.Raw))
	}
	return c, err
}

// writerOf returns the writer of a shard.
func (s *sink) writerOf(shard int) *writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.writer[shard]
	if w == nil {
		w = s.writers[len(s.writer)%len(s.writers)]
		s.writer[shard] = w
	}
	return w
}

// read makes events of the logs of p, and returns the counts of what goes no
// further.
func (s *sink) read(w *writer, p *consume.Page) (consume.Counts, error) {
	w.mapper.invalid, w.mapper.notJSON = 0, 0
	c, err := p.Walk(&w.group, func() (int, error) {
		w.mapper.begin(p.Shard, &w.group)
		return s.readGroup(w, p)
	})
	if w.mapper.invalid+w.mapper.notJSON > 0 {
		c.More = map[string]int64{invalidUTF8: int64(w.mapper.invalid), notJSON: int64(w.mapper.notJSON)}
	}
	return c, err
}

// readGroup makes events of the logs of the writer's group, up to the first that
// is malformed, and returns how many.
func (s *sink) readGroup(w *writer, p *consume.Page) (int, error) {
	logs := w.group.Reader()
	n := 0
	write := func(dst []byte) []byte {
		dst = w.mapper.append(dst, &w.log)
		w.next.batch.Hint(w.mapper.hints)
		return dst
	}
	for ; logs.Next(&w.log); n++ {
		if w.next != nil && w.next.batch.Full() {
			w.begin()
		}
		if w.next == nil {
			b, err := s.hec.Batch(p.Context())
			if err != nil {
				return n, err
			}
			w.next = &send{sink: s, batch: b, since: time.Now()}
		}
		w.next.add(p, w.group.Cursor, w.log.Index, write)
	}
	return n, nil
}

// begin begins to send what the writer has filled. The writer is locked.
func (w *writer) begin() {
	full := w.next
	w.next = nil
	full.ahead, full.begun = w.ahead, make(chan struct{})
	w.ahead = full.begun
	full.sink.sends.Go(full.run)
}

// tick sends batches that wait for company in vain.
func (s *sink) tick() {
	t := time.NewTicker(linger / 2)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-s.closing:
			return
		}
		s.flush(linger)
	}
}

// flush sends what is older than age, of writers that are not at work.
func (s *sink) flush(age time.Duration) {
	for _, w := range s.writers {
		if w.mu.TryLock() {
			if w.next != nil && time.Since(w.next.since) >= age {
				w.begin()
			}
			w.mu.Unlock()
		}
	}
}

// Close implements [consume.Sink].
func (s *sink) Close() {
	close(s.closing)
	s.ticker.Wait()
	s.flush(0)
	s.sends.Wait()
	s.abort(context.Canceled)
}
