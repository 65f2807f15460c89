package slshec

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// sink carries the pages of one run to Splunk. It is a [sls.Processor]: pages
// come in from every shard at once, are written as events into HEC batches on a
// few lanes, one for each core, and each full batch flies off on its own. A
// page is done when all its events have landed.
//
// A batch holds events of whatever pages came along, of several shards too:
// with a hundred shards of little traffic each, one request carries them all.
// A batch that does not fill leaves after linger.
type sink struct {
	hec        *hec.Client
	session    *hec.Session
	sls        *sls.Client
	quarantine *quarantine.Store
	cfg        *Config
	topics     map[string]bool // nil keeps all

	timing *timing
	took   *atomic.Int64 // how long sends take, for the next run

	slots chan struct{}   // one for each request under way; nil if the client is to see to that
	ctx   context.Context // ends, with the reason, when nothing may be sent any more
	abort context.CancelCauseFunc
	lanes []*lane

	flights sync.WaitGroup
	ticker  sync.WaitGroup
	closing chan struct{}

	mu      sync.Mutex
	objects []string      // in quarantine
	lane    map[int]*lane // by shard
}

// linger is how long a batch that is not full waits for more.
const linger = 100 * time.Millisecond

// lane is where one page at a time becomes events. The pages of a shard take
// the same one, and what it launches is sent in order, so that no event is sent
// behind one that is left.
type lane struct {
	busy   chan struct{} // holds one while a page is read
	ahead  chan struct{} // closed when the flight launched last has begun
	mu     sync.Mutex    // of flight, against the ticker
	flight *flight       // being filled, if any
	mapper mapper
	group  sls.Group
	log    sls.Log
	ratio  float64 // bytes of events to bytes of logs, as seen last
}

// grows estimates how many bytes of events a page of n bytes becomes.
func (l *lane) grows(n int) int { return int(l.ratio * float64(n)) }

// newSink begins to take pages until close. Nothing is sent after ctx has ended,
// nor begun when stop has ended and there is no time left.
func newSink(ctx, stop context.Context, f *Function) *sink {
	s := &sink{hec: f.hec, session: f.hec.Session(), sls: f.sls, quarantine: f.quarantine, cfg: &f.cfg, topics: f.topics, closing: make(chan struct{}), lane: map[int]*lane{}}
	s.ctx, s.abort = context.WithCancelCause(ctx)
	s.timing, s.took = newTiming(stop, f.grace(), time.Duration(f.took.Load())), &f.took
	if !f.cfg.Ack { // a request is over long before it is acknowledged
		s.slots = make(chan struct{}, f.cfg.HECConcurrency)
	}
	n := min(runtime.GOMAXPROCS(0), f.cfg.HECConcurrency)
	for range n {
		s.lanes = append(s.lanes, &lane{busy: make(chan struct{}, 1), mapper: newMapper(&f.cfg)})
	}
	s.ticker.Go(s.tick)
	return s
}

// Process implements [sls.Processor].
func (s *sink) Process(ctx context.Context, b *sls.Batch) error {
	l := s.laneOf(b.Shard)
	select {
	case l.busy <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
	defer func() { <-l.busy }()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flight != nil && l.flight.batch.Size()+l.grows(len(b.Raw)) > s.cfg.BatchBytes {
		s.launch(l) // rather than to have the page's events in two
	}
	p := newPage(ctx, b)
	c, err := s.read(l, p)
	if l.flight != nil && len(l.flight.parts) == 1 && err == nil && len(b.Raw) > 0 {
		l.ratio = float64(l.flight.batch.Size()) / float64(len(b.Raw))
	}
	b.Release() // all of it is in batches or in quarantine
	p.landed(c, err)
	return nil
}

// laneOf returns the lane of a shard.
func (s *sink) laneOf(shard int) *lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lane[shard]
	if l == nil {
		l = s.lanes[len(s.lane)%len(s.lanes)]
		s.lane[shard] = l
	}
	return l
}

// read writes the logs of p into the lane's flight, and returns the counts of
// what goes no further.
func (s *sink) read(l *lane, p *page) (counts, error) {
	var c counts
	l.mapper.invalid, l.mapper.notJSON = 0, 0
	groups := p.batch.Groups()
	n := 0
	for ; groups.Next(&l.group); n++ {
		g := &l.group
		c.in += int64(g.Logs)
		if s.topics != nil && !s.topics[string(g.Topic)] {
			c.filtered += int64(g.Logs)
			continue
		}
		l.mapper.begin(p.shard, g)
		written, err := s.readGroup(l, p)
		if err != nil {
			return c, err
		}
		if rest := int64(g.Logs - written); rest > 0 {
			if err := s.malformed(p, g.Raw, position{Shard: p.shard, Cursor: g.Cursor, Index: g.Base + written}); err != nil {
				return c, err
			}
			c.quarantined += rest
		}
	}
	if groups.Err() != nil {
		// Where the frame of a group is broken, so is all that follows it.
		if err := s.malformed(p, p.batch.Raw, position{Shard: p.shard, Page: p.batch.Cursor, Group: n}); err != nil {
			return c, err
		}
		c.in++
		c.quarantined++
	}
	c.invalid, c.notJSON = int64(l.mapper.invalid), int64(l.mapper.notJSON)
	return c, nil
}

// readGroup writes the logs of the lane's group, up to the first that is
// malformed, and returns how many.
func (s *sink) readGroup(l *lane, p *page) (int, error) {
	logs := l.group.Reader()
	n := 0
	write := func(dst []byte) []byte {
		dst = l.mapper.append(dst, &l.log)
		l.flight.batch.Hint(l.mapper.hints)
		return dst
	}
	for ; logs.Next(&l.log); n++ {
		if l.flight != nil && l.flight.batch.Full() {
			s.launch(l)
		}
		if l.flight == nil {
			b, err := s.hec.Batch(p.ctx)
			if err != nil {
				return n, err
			}
			l.flight = &flight{sink: s, batch: b, since: time.Now()}
		}
		l.flight.add(p, l.group.Cursor, l.log.Index, write)
	}
	return n, nil
}

// launch sends the lane's flight off. The lane is held.
func (s *sink) launch(l *lane) {
	f := l.flight
	l.flight = nil
	f.ahead, f.begun = l.ahead, make(chan struct{})
	l.ahead = f.begun
	s.flights.Go(f.fly)
}

// tick launches flights that wait for company in vain.
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

// flush launches what is older than age on lanes that are not at work.
func (s *sink) flush(age time.Duration) {
	for _, l := range s.lanes {
		if l.mu.TryLock() {
			if l.flight != nil && time.Since(l.flight.since) >= age {
				s.launch(l)
			}
			l.mu.Unlock()
		}
	}
}

// close waits until all that was taken in has landed. Process must not be
// called any more.
func (s *sink) close() {
	close(s.closing)
	s.ticker.Wait()
	s.flush(0)
	s.flights.Wait()
	s.took.Store(int64(s.timing.lasted()))
	s.abort(context.Canceled)
}
