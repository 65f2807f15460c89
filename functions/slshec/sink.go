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
// come in from every shard at once, are written as events into HEC batches on a
// few lanes, one for each core, and each full batch flies off on its own. A
// page is held until all its events have landed.
//
// A batch holds events of whatever pages came along, of several shards too:
// with a hundred shards of little traffic each, one request carries them all.
// A batch that does not fill leaves after linger.
type sink struct {
	hec     *hec.Client
	session *hec.Session
	cfg     *Config
	timing  *consume.Timing

	slots chan struct{}   // one for each request under way; nil if the client is to see to that
	ctx   context.Context // ends, with the reason, when nothing may be sent any more
	abort context.CancelCauseFunc
	lanes []*lane

	flights sync.WaitGroup
	ticker  sync.WaitGroup
	closing chan struct{}

	mu   sync.Mutex
	lane map[int]*lane // by shard
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

// begin begins a run's sink, see [consume.Function].
func (f *Function) begin(ctx context.Context, timing *consume.Timing) consume.Sink {
	s := &sink{hec: f.hec, session: f.hec.Session(), cfg: &f.cfg, timing: timing, closing: make(chan struct{}), lane: map[int]*lane{}}
	s.ctx, s.abort = context.WithCancelCause(ctx)
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

// Take implements [consume.Sink].
func (s *sink) Take(ctx context.Context, p *consume.Page) (consume.Counts, error) {
	l := s.laneOf(p.Shard)
	select {
	case l.busy <- struct{}{}:
	case <-ctx.Done():
		return consume.Counts{}, context.Cause(ctx)
	case <-s.ctx.Done():
		return consume.Counts{}, context.Cause(s.ctx)
	}
	defer func() { <-l.busy }()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flight != nil && l.flight.batch.Size()+l.grows(len(p.Raw)) > s.cfg.BatchBytes {
		s.launch(l) // rather than to have the page's events in two
	}
	c, err := s.read(l, p)
	if l.flight != nil && len(l.flight.parts) == 1 && err == nil && len(p.Raw) > 0 {
		l.ratio = float64(l.flight.batch.Size()) / float64(len(p.Raw))
	}
	return c, err
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
func (s *sink) read(l *lane, p *consume.Page) (consume.Counts, error) {
	l.mapper.invalid, l.mapper.notJSON = 0, 0
	c, err := p.Walk(&l.group, func() (int, error) {
		l.mapper.begin(p.Shard, &l.group)
		return s.readGroup(l, p)
	})
	if l.mapper.invalid+l.mapper.notJSON > 0 {
		c.More = map[string]int64{invalidUTF8: int64(l.mapper.invalid), notJSON: int64(l.mapper.notJSON)}
	}
	return c, err
}

// readGroup writes the logs of the lane's group, up to the first that is
// malformed, and returns how many.
func (s *sink) readGroup(l *lane, p *consume.Page) (int, error) {
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
			b, err := s.hec.Batch(p.Context())
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

// Close implements [consume.Sink].
func (s *sink) Close() {
	close(s.closing)
	s.ticker.Wait()
	s.flush(0)
	s.flights.Wait()
	s.abort(context.Canceled)
}
