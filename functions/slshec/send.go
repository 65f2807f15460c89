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

// flight is one HEC batch, and which pages its events are of.
type flight struct {
	sink  *sink
	batch *hec.Batch
	parts []part
	since time.Time

	ahead <-chan struct{} // closed when the one before it has begun; nil for the first
	begun chan struct{}
	timed *consume.Send
}

// part is a run of a flight's events that are of one page; it ends before the
// event number end.
type part struct {
	page  *consume.Page
	end   int
	bytes int64
}

// add appends an event of p. Its position rides along: cursor of the group, and
// index in it.
func (f *flight) add(p *consume.Page, cursor int64, index int, write func([]byte) []byte) {
	if n := len(f.parts); n == 0 || f.parts[n-1].page != p {
		p.Hold()
		f.parts = append(f.parts, part{page: p})
	}
	last := &f.parts[len(f.parts)-1]
	size := f.batch.Size()
	f.batch.Append(hec.Pos{A: uint64(cursor), B: uint64(index)}, write) //nolint:gosec // bits, not numbers
	last.end, last.bytes = f.batch.Len(), last.bytes+int64(f.batch.Size()-size)
}

// fly delivers the events and lands their pages. Events of a shard that goes to
// another consumer meanwhile are taken out, since that one sends them now; the
// others then fly on.
func (f *flight) fly() {
	defer f.batch.Release()
	var res hec.Result
	var err error
	if !f.begin() {
		f.land(res, sls.ErrLeft)
		return
	}
	defer func() { f.end(err == nil && len(f.parts) > 0) }()
	for {
		f.unload()
		if len(f.parts) == 0 {
			return
		}
		if res, err = f.send(); err == nil || f.sink.ctx.Err() != nil || !f.stranded() {
			break
		}
	}
	if err == nil && len(res.Rejected) > 0 {
		err = f.sink.refused(f, res.Rejected)
	}
	if err != nil {
		// What fails here fails for every flight: the retries are used up, or
		// the configuration is wrong. One reason is enough.
		f.sink.abort(err)
		err = context.Cause(f.sink.ctx)
	}
	f.land(res, err)
}

// begin waits for its turn, and tells whether there is time to send.
func (f *flight) begin() bool {
	defer close(f.begun)
	if f.ahead != nil {
		<-f.ahead
	}
	if f.sink.slots != nil {
		f.sink.slots <- struct{}{}
	}
	f.timed = f.sink.timing.Begin(f.pages)
	if f.timed == nil {
		f.free()
	}
	return f.timed != nil
}

// pages yields the pages that events of the flight are of.
func (f *flight) pages(yield func(*consume.Page) bool) {
	for _, p := range f.parts {
		if !yield(p.page) {
			return
		}
	}
}

func (f *flight) end(delivered bool) {
	f.timed.End(delivered)
	f.free()
}

func (f *flight) free() {
	if f.sink.slots != nil {
		<-f.sink.slots
	}
}

// send sends the batch until every event's fate is known, the run ends, or a
// page's shard is lost.
func (f *flight) send() (hec.Result, error) {
	ctx, cancel := context.WithCancelCause(f.sink.ctx)
	defer cancel(nil)
	for _, p := range f.parts {
		defer context.AfterFunc(p.page.Context(), func() { cancel(context.Cause(p.page.Context())) })()
	}
	if err := lease.Check(ctx); err != nil {
		return hec.Result{}, err
	}
	return f.sink.session.Send(ctx, f.batch)
}

func (f *flight) stranded() bool {
	for _, p := range f.parts {
		if p.page.Context().Err() != nil {
			return true
		}
	}
	return false
}

// unload takes out the parts whose shard is lost.
func (f *flight) unload() {
	if !f.stranded() {
		return
	}
	type event struct {
		pos  hec.Pos
		text []byte
	}
	var kept []event
	var parts []part
	from := 0
	for _, p := range f.parts {
		if p.page.Context().Err() != nil {
			p.page.Settle(consume.Counts{}, context.Cause(p.page.Context()))
		} else {
			for i := from; i < p.end; i++ {
				kept = append(kept, event{f.batch.Pos(i), bytes.Clone(f.batch.Event(i))})
			}
			parts = append(parts, part{p.page, len(kept), p.bytes})
		}
		from = p.end
	}
	f.parts = parts
	f.batch.Reset()
	for _, e := range kept {
		f.batch.Append(e.pos, func(dst []byte) []byte { return append(dst, e.text...) })
	}
}

// land tells each page what became of its events.
func (f *flight) land(res hec.Result, err error) {
	rejected := res.Rejected
	from := 0
	for _, p := range f.parts {
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
func (f *flight) partOf(i int) *consume.Page {
	for _, p := range f.parts {
		if i < p.end {
			return p.page
		}
	}
	return nil
}
