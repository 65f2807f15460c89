package slshec

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siemfeed/siemfeed/pkg/sls"
)

// page is a page of a shard on its way to Splunk. Its events lie in one or more
// flights; when the last of them has landed, and the page was read to its end,
// it is settled.
type page struct {
	ctx   context.Context // ends when the shard may not be sent for any more
	batch *sls.Batch
	shard int
	sent  atomic.Bool // some of its events were sent, so that the others must be

	asking sync.Mutex
	begun  time.Time // when SLS received the beginning of the page, if it was asked

	mu   sync.Mutex
	open int // flights under way, and one while the page is being read
	err  error
	counts
}

func newPage(ctx context.Context, b *sls.Batch) *page {
	p := &page{ctx: ctx, batch: b, shard: b.Shard, open: 1}
	p.bytesIn = int64(len(b.Raw))
	return p
}

// board says that a flight takes events of the page.
func (p *page) board() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open++
}

// received returns when SLS received the beginning of the page, and asks once.
func (p *page) received(ctx context.Context, c *sls.Client) (time.Time, error) {
	p.asking.Lock()
	defer p.asking.Unlock()
	if p.begun.IsZero() {
		t, err := c.CursorTime(ctx, p.shard, p.batch.Cursor)
		if err != nil {
			return time.Time{}, err
		}
		p.begun = t
	}
	return p.begun, nil
}

// landed ends what board or newPage began; c is what became of the events.
func (p *page) landed(c counts, err error) {
	p.mu.Lock()
	p.add(c)
	if p.err == nil {
		p.err = err
	}
	p.open--
	last := p.open == 0
	p.mu.Unlock()
	if last {
		p.batch.Done(p.counts, p.err)
	}
}
