package slshec

import (
	"bytes"
	"context"
	"time"

	"github.com/siemfeed/siemfeed/pkg/hec"
	"github.com/siemfeed/siemfeed/pkg/lease"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// send is one HEC batch, and which pages its events are of.
type send struct {
	sink  *sink
	batch *hec.Batch
	parts []part
	since time.Time

	ahead <-chan struct{} // closed when the one before it has begun; nil for the first
	begun chan struct{}
	timed *consume.Send
}

// part is a run of a batch's events that are of one page; it ends before the
// event number end.
type part struct {
	page  *consume.Page
	end   int
	bytes int64
}

// add appends an event of p. Its position rides along: cursor of the group, and
// index in it.
func (s *send) add(p *consume.Page, cursor int64, index int, write func([]byte) []byte) {
	if n := len(s.parts); n == 0 || s.parts[n-1].page != p {
		p.Hold()
		s.parts = append(s.parts, part{page: p})
	}
	last := &s.parts[len(s.parts)-1]
	size := s.batch.Size()
	s.batch.Append(hec.Pos{A: uint64(cursor), B: uint64(index)}, write) //nolint:gosec // bits, not numbers
	last.end, last.bytes = s.batch.Len(), last.bytes+int64(s.batch.Size()-size)
}

// run delivers the events, and settles their pages. Events of a shard that goes
// to another consumer meanwhile are taken out, since that one sends them now, and
// the others sent again.
func (s *send) run() {
	defer s.batch.Release()
	var res hec.Result
	var err error
	if !s.begin() {
		s.settle(res, sls.ErrLeft)
		return
	}
	defer func() { s.end(err == nil && len(s.parts) > 0) }()
	for {
		s.withdraw()
		if len(s.parts) == 0 {
			return
		}
		if res, err = s.try(); err == nil || s.sink.ctx.Err() != nil || !s.lost() {
			break
		}
	}
	if err == nil && len(res.Rejected) > 0 {
		err = s.sink.refused(s, res.Rejected)
	}
	if err != nil {
		// What fails here fails for every send: the retries are used up, or
		// the configuration is wrong. One reason is enough.
		s.sink.abort(err)
		err = context.Cause(s.sink.ctx)
	}
	s.settle(res, err)
}

// begin waits for its turn, and tells whether there is time to send.
func (s *send) begin() bool {
	defer close(s.begun)
	if s.ahead != nil {
		<-s.ahead
	}
	if s.sink.slots != nil {
		s.sink.slots <- struct{}{}
	}
	s.timed = s.sink.timing.Begin(s.pages)
	if s.timed == nil {
		s.free()
	}
	return s.timed != nil
}

// pages yields the pages that its events are of.
func (s *send) pages(yield func(*consume.Page) bool) {
	for _, p := range s.parts {
		if !yield(p.page) {
			return
		}
	}
}

func (s *send) end(delivered bool) {
	s.timed.End(delivered)
	s.free()
}

func (s *send) free() {
	if s.sink.slots != nil {
		<-s.sink.slots
	}
}

// try sends the batch until every event's fate is known, the run ends, or a
// page's shard is lost.
func (s *send) try() (hec.Result, error) {
	ctx, cancel := context.WithCancelCause(s.sink.ctx)
	defer cancel(nil)
	for _, p := range s.parts {
		defer context.AfterFunc(p.page.Context(), func() { cancel(context.Cause(p.page.Context())) })()
	}
	if err := lease.Check(ctx); err != nil {
		return hec.Result{}, err
	}
	return s.sink.session.Send(ctx, s.batch)
}

// lost tells whether the shard of some page is.
func (s *send) lost() bool {
	for _, p := range s.parts {
		if p.page.Context().Err() != nil {
			return true
		}
	}
	return false
}

// withdraw takes out the parts whose shard is lost.
func (s *send) withdraw() {
	if !s.lost() {
		return
	}
	type event struct {
		pos  hec.Pos
		text []byte
	}
	var kept []event
	var parts []part
	from := 0
	for _, p := range s.parts {
		if p.page.Context().Err() != nil {
			p.page.Settle(consume.Counts{}, context.Cause(p.page.Context()))
		} else {
			for i := from; i < p.end; i++ {
				kept = append(kept, event{s.batch.Pos(i), bytes.Clone(s.batch.Event(i))})
			}
			parts = append(parts, part{p.page, len(kept), p.bytes})
		}
		from = p.end
	}
	s.parts = parts
	s.batch.Reset()
	for _, e := range kept {
		s.batch.Append(e.pos, func(dst []byte) []byte { return append(dst, e.text...) })
	}
}

// settle tells each page what became of its events.
func (s *send) settle(res hec.Result, err error) {
	rejected := res.Rejected
	from := 0
	for _, p := range s.parts {
		var c consume.Counts
		if err == nil {
			c.Out, c.BytesOut = int64(p.end-from), p.bytes
			for len(rejected) > 0 && rejected[0].Index < p.end {
				c.Out--
				c.Quarantined++
				rejected = rejected[1:]
			}
		}
		p.page.Settle(c, err)
		from = p.end
	}
}

// partOf returns the page that event i is of.
func (s *send) partOf(i int) *consume.Page {
	for _, p := range s.parts {
		if i < p.end {
			return p.page
		}
	}
	return nil
}
