package trailtags

import (
	"context"
	"time"

	"github.com/siemfeed/siemfeed/pkg/lease"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
)

// write is one group of rows, and which pages they are of.
type write struct {
	sink  *sink
	group sls.PutGroup
	rows  []position
	parts []part
	since time.Time

	ahead <-chan struct{} // closed when the one before it has begun; nil for the first
	begun chan struct{}
	timed *consume.Send
}

// position says which row of which event a row of the group is.
type position struct {
	at   consume.Row
	last bool // of its event
}

// part is a run of a group's rows that are of one page; it ends before row end.
type part struct {
	src   *source
	end   int
	bytes int64
	tally tally
}

// add gives a row to the group that is being filled: row number index of an event,
// 0 if it is its only one.
func (s *sink) add(v *event, index int, r row) {
	s.filling.Lock()
	defer s.filling.Unlock()
	if s.next != nil && (s.next.group.Size() >= groupBytes || !s.next.group.Takes(len(r.contents))) {
		s.launch()
	}
	if s.next == nil {
		s.next = <-s.free
		s.next.since = time.Now()
	}
	s.next.add(v, index, r)
}

func (w *write) add(v *event, index int, r row) {
	if n := len(w.parts); n == 0 || w.parts[n-1].src != v.src {
		v.src.page.Hold()
		w.parts = append(w.parts, part{src: v.src})
	}
	at := v.at
	if len(v.resources) > 1 {
		at.Row = index
	}
	w.group.Append(v.time, r.contents)
	w.rows = append(w.rows, position{at, index == len(v.resources)})
	p := &w.parts[len(w.parts)-1]
	p.end = len(w.rows)
	p.bytes += int64(len(r.contents))
	p.tally[rows]++
	p.tally[ofStatus(r.status)]++
	p.tally[tagClashes] += int64(r.clashes)
	p.tally[keysCut] += int64(r.cut)
	if v.retimed {
		p.tally[retimed]++
	}
}

// launch writes the group that is being filled. Its lock is held.
func (s *sink) launch() {
	w := s.next
	s.next = nil
	w.ahead, w.begun = s.ahead, make(chan struct{})
	s.ahead = w.begun
	s.writes.Go(func() {
		w.run()
		s.countRepeats()
		*w = write{sink: s, group: w.group, rows: w.rows[:0], parts: w.parts[:0]}
		w.group.Reset()
		s.free <- w
	})
}

// countRepeats takes over what the writer has counted since it was asked last.
func (s *sink) countRepeats() {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.writer.PossibleRepeats()
	s.f.repeats.Add(n - s.repeats)
	s.repeats = n
}

// run writes the rows and settles their pages. Rows of a shard that goes to
// another consumer meanwhile are taken out, since that one writes them now.
func (w *write) run() {
	if !w.begin() {
		w.settle(nil, sls.ErrLeft)
		return
	}
	var refused []sls.Refusal
	var err error
	defer func() { w.timed.End(err == nil && len(w.parts) > 0) }()
	for {
		w.unload()
		if len(w.parts) == 0 {
			return
		}
		if refused, err = w.send(); err == nil || w.sink.ctx.Err() != nil || !w.stranded() {
			break
		}
	}
	if err == nil && len(refused) > 0 {
		err = w.setAside(refused)
	}
	if err != nil {
		// What fails here fails for every write: the retries are used up, or the
		// configuration is wrong. One reason is enough.
		w.sink.abort(err)
		err = context.Cause(w.sink.ctx)
	}
	w.settle(refused, err)
}

// begin waits for its turn, and tells whether there is time to write.
func (w *write) begin() bool {
	defer close(w.begun)
	if w.ahead != nil {
		<-w.ahead
	}
	w.timed = w.sink.timing.Begin(w.pages)
	return w.timed != nil
}

// pages yields the pages that rows of the group are of.
func (w *write) pages(yield func(*consume.Page) bool) {
	for i := range w.parts {
		if !yield(w.parts[i].src.page) {
			return
		}
	}
}

// send writes the group until every row's fate is known, the run ends, or a
// page's shard is lost.
func (w *write) send() ([]sls.Refusal, error) {
	ctx, cancel := context.WithCancelCause(w.sink.ctx)
	defer cancel(nil)
	watched := map[context.Context]bool{}
	for p := range w.pages {
		if owned := p.Context(); !watched[owned] {
			watched[owned] = true
			defer context.AfterFunc(owned, func() { cancel(context.Cause(owned)) })()
		}
	}
	if err := lease.Check(ctx); err != nil {
		return nil, err
	}
	return w.sink.writer.Write(ctx, &w.group)
}

func (w *write) stranded() bool {
	for p := range w.pages {
		if p.Context().Err() != nil {
			return true
		}
	}
	return false
}

// unload takes out the parts whose shard is lost.
func (w *write) unload() {
	if !w.stranded() {
		return
	}
	parts, rows := w.parts[:0:0], w.rows[:0:0]
	drop := make([]bool, len(w.rows))
	from := 0
	for _, p := range w.parts {
		if lost := p.src.page.Context(); lost.Err() != nil {
			p.src.page.Settle(consume.Counts{}, context.Cause(lost))
			for i := from; i < p.end; i++ {
				drop[i] = true
			}
		} else {
			rows = append(rows, w.rows[from:p.end]...)
			parts = append(parts, part{p.src, len(rows), p.bytes, p.tally})
		}
		from = p.end
	}
	w.group.Keep(func(i int) bool { return !drop[i] })
	w.parts, w.rows = parts, rows
}

// settle tells each page what became of its rows. An event is through when its
// last row is; it is in quarantine if any of its rows is.
func (w *write) settle(refused []sls.Refusal, err error) {
	from := 0
	for i := range w.parts {
		p := &w.parts[i]
		var c consume.Counts
		if err == nil {
			c.BytesOut = p.bytes
			for _, r := range w.rows[from:p.end] {
				if r.last {
					c.Out++
				}
			}
			for len(refused) > 0 && refused[0].Index < p.end {
				p.tally[rows]--
				p.tally[refusedRows]++
				if p.src.refuse(w.rows[refused[0].Index].at) {
					c.Out--
					c.Quarantined++
				}
				refused = refused[1:]
			}
			c.More = p.tally.more()
		}
		p.src.page.Settle(c, err)
		from = p.end
	}
}
