package consume_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
	"github.com/siemfeed/siemfeed/pkg/sls/consume/consumetest"
)

// memory is the plainest receiver there is: it takes a page at a time, and
// remembers how often each log came. Its fields may be set while it is at work.
type memory struct {
	mu      sync.Mutex
	counts  map[string]int
	latency time.Duration
	slots   chan struct{}        // one for each page under way, if set
	busy    bool                 // it takes nothing
	refuse  func(id string) bool // which go to quarantine, if set
	slow    func(id string) <-chan struct{}
}

var errBusy = errors.New("memory: 503, come back tomorrow")

func (m *memory) set(change func(*memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

// arrived counts each log that came.
func (m *memory) arrived() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]int{}
	for id, n := range m.counts {
		out[id] = n
	}
	return out
}

func (m *memory) accepted(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[id]
}

func (m *memory) belongsInQuarantine(id string) bool { return m.refuse != nil && m.refuse(id) }

func (m *memory) begin(ctx context.Context, timing *consume.Timing) consume.Sink {
	return &memorySink{memory: m, ctx: ctx, timing: timing}
}

// memorySink carries the pages of one run to memory. A log that is slow is held
// by itself, and the rest of its page goes on.
type memorySink struct {
	*memory
	ctx    context.Context
	timing *consume.Timing
	sends  sync.WaitGroup
}

// place is a log of a page.
type place struct {
	id     string
	cursor int64
	index  int
	bytes  int64
}

func (s *memorySink) Take(_ context.Context, p *consume.Page) (consume.Counts, error) {
	var g sls.Group
	var l sls.Log
	var logs []place
	c, err := p.Walk(&g, func() (int, error) {
		n := 0
		r := g.Reader()
		for ; r.Next(&l); n++ {
			at := place{id: consumetest.ID(p.Shard, g.Cursor, l.Index), cursor: g.Cursor, index: l.Index}
			for _, kv := range l.Contents {
				at.bytes += int64(len(kv.Key) + len(kv.Value))
			}
			logs = append(logs, at)
		}
		return n, nil
	})
	if err != nil {
		return c, err
	}
	var rest []place
	for _, at := range logs {
		if wait := s.waits(at.id); wait != nil {
			p.Hold()
			s.sends.Go(func() {
				select {
				case <-wait:
					p.Settle(s.send(p, []place{at}))
				case <-p.Context().Done():
					p.Settle(consume.Counts{}, context.Cause(p.Context()))
				}
			})
			c.More = map[string]int64{"slow": c.More["slow"] + 1}
			continue
		}
		rest = append(rest, at)
	}
	if len(rest) > 0 {
		p.Hold()
		if s.slots != nil {
			s.slots <- struct{}{}
		}
		s.sends.Go(func() {
			p.Settle(s.send(p, rest))
			if s.slots != nil {
				<-s.slots
			}
		})
	}
	return c, nil
}

func (s *memorySink) waits(id string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slow == nil {
		return nil
	}
	return s.slow(id)
}

// send waits as long as the receiver takes, and then enters all at once.
func (s *memorySink) send(p *consume.Page, logs []place) (c consume.Counts, err error) {
	send := s.timing.Begin(slices.Values([]*consume.Page{p}))
	if send == nil {
		return c, sls.ErrLeft
	}
	defer func() { send.End(err == nil) }()
	s.mu.Lock()
	latency, busy := s.latency, s.busy
	s.mu.Unlock()
	if busy {
		return c, errBusy
	}
	for _, ctx := range []context.Context{s.ctx, p.Context()} {
		if err := retry.Sleep(ctx, latency/2); err != nil {
			return c, context.Cause(ctx)
		}
	}
	for _, at := range logs {
		if s.belongsInQuarantine(at.id) {
			if err := p.Quarantine(s.ctx, consume.Row{Cursor: at.cursor, Index: at.index}, quarantine.Entry{Reason: "refused", Code: "memory-1"}, []byte(at.id)); err != nil {
				return c, err
			}
			c.Quarantined++
			continue
		}
		s.set(func(m *memory) { m.counts[at.id]++ })
		c.Out++
		c.BytesOut += at.bytes
	}
	return c, nil
}

func (s *memorySink) Close() { s.sends.Wait() }
