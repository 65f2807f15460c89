package consume

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Page is a page of a shard on its way through a sink. Its bytes are there until
// [Sink.Take] returns. It is settled when the sink has taken it and every hold on
// it has ended.
type Page struct {
	*sls.Page

	ctx  context.Context
	done sls.Done
	run  *ledger
	sent bool // some of it was, so that the rest must be; under the lock of Timing

	asking sync.Mutex
	begun  time.Time // when SLS received the beginning of the page, if it was asked

	mu     sync.Mutex
	open   int // holds, and one while the page is being taken
	err    error
	counts Counts
}

// Counts is what became of logs: In = Out + Filtered + Quarantined.
type Counts struct {
	In, Out, Filtered, Quarantined int64
	BytesIn, BytesOut              int64 // LogGroups and what became of them, both uncompressed
	// More is what the function counts besides. Nobody changes it once it is here.
	More map[string]int64
}

// Add adds o.
func (c *Counts) Add(o Counts) {
	c.In += o.In
	c.Out += o.Out
	c.Filtered += o.Filtered
	c.Quarantined += o.Quarantined
	c.BytesIn += o.BytesIn
	c.BytesOut += o.BytesOut
	switch {
	case len(o.More) == 0:
	case len(c.More) == 0:
		c.More = o.More
	default:
		c.More = maps.Clone(c.More)
		for name, n := range o.More {
			c.More[name] += n
		}
	}
}

func newPage(ctx context.Context, pulled *sls.Page, done sls.Done, run *ledger) *Page {
	return &Page{Page: pulled, ctx: ctx, done: done, run: run, open: 1, counts: Counts{BytesIn: int64(len(pulled.Raw))}}
}

// Context ends when the page may not be sent any more: when its shard has gone
// to another consumer, with [sls.ErrLost] as its cause, or when a stop has run
// out of time. What was not settled by then is delivered by whoever has the
// shard next.
func (p *Page) Context() context.Context { return p.ctx }

// Walk reads the page's LogGroups into g, one after the other, and calls read
// for each whose topic is to be kept. read returns how many logs of g it has
// read; the rest is malformed, and goes to quarantine. The counts are those of
// all logs that came in, and of those that go no further.
func (p *Page) Walk(g *sls.Group, read func() (int, error)) (c Counts, err error) {
	groups := p.Groups()
	n := 0
	for ; groups.Next(g); n++ {
		c.In += int64(g.Logs)
		if !p.run.c.Keeps(g.Topic) {
			c.Filtered += int64(g.Logs)
			continue
		}
		logs, err := read()
		if err != nil {
			return c, err
		}
		if rest := int64(g.Logs - logs); rest > 0 {
			if err := p.malformed(position{Cursor: g.Cursor, Index: g.Base + logs}, g.Cursor, g.Raw); err != nil {
				return c, err
			}
			c.Quarantined += rest
		}
	}
	if groups.Err() != nil {
		// Where the frame of a group is broken, so is all that follows it. Each
		// group before it has a cursor.
		first, _ := sls.CursorNumber(p.Cursor)
		if err := p.malformed(position{Page: p.Cursor, Group: n}, first+int64(n), p.Raw); err != nil {
			return c, err
		}
		c.In++
		c.Quarantined++
	}
	return c, nil
}
