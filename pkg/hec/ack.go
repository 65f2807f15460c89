package hec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/retry"
)

// acker routes acknowledgements of one endpoint's channel to those who wait
// for them: HEC reports an ackId as true once and forgets it ("About HEC
// indexer acknowledgment").
//
// AckIds of a channel grow. One that does not is the sign of a restart, or of a
// channel that expired: what was pending before will never be acknowledged, and
// its numbers come again for other requests.
type acker struct {
	mu      sync.Mutex
	epoch   int   // restarts seen
	last    int64 // greatest ackId of this epoch
	waiting map[int64]chan error
	lastErr error // of the last poll
	closed  bool  // nobody polls any more
}

// mark is what an acker knew when a request began.
type mark struct {
	epoch int
	last  int64
}

var errAckLost = errors.New("the receiver restarted its acknowledgements")

func newAcker() *acker {
	return &acker{last: -1, waiting: map[int64]chan error{}}
}

func (a *acker) mark() mark {
	a.mu.Lock()
	defer a.mu.Unlock()
	return mark{a.epoch, a.last}
}

// expect registers the ackId of a request that began at m. The channel gets
// nil for true, errAckLost if it can no longer come, or a permanent error.
func (a *acker) expect(m mark, id int64) <-chan error {
	a.mu.Lock()
	defer a.mu.Unlock()
	ch := make(chan error, 1)
	if a.closed {
		ch <- retry.Permanent(errClosed)
		return ch
	}
	if m.epoch != a.epoch {
		// It spans a restart: whose number this is cannot be told.
		ch <- errAckLost
		return ch
	}
	if _, dup := a.waiting[id]; dup || id <= m.last {
		a.epoch++
		a.last = -1
		a.failAll(errAckLost)
	}
	a.last = max(a.last, id)
	a.waiting[id] = ch
	return ch
}

func (a *acker) failAll(err error) {
	for id, ch := range a.waiting {
		ch <- err
		delete(a.waiting, id)
	}
}

// forget stops waiting for id, and returns false if ch has its outcome already.
func (a *acker) forget(id int64, ch <-chan error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting[id] != ch {
		return false
	}
	delete(a.waiting, id)
	return true
}

// wait returns nil once id is acknowledged, why it is lost, or an error that
// ends the Send.
func (a *acker) wait(ctx context.Context, id int64, ch <-chan error, timeout time.Duration) (lost, err error) {
	t := time.NewTimer(timeout)
	defer t.Stop()
	select {
	case err = <-ch:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-t.C:
		if a.forget(id, ch) {
			a.mu.Lock()
			defer a.mu.Unlock()
			return errors.Join(errors.New("no acknowledgement in time"), a.lastErr), nil
		}
		err = <-ch // it came at the last moment
	}
	if errors.Is(err, errAckLost) {
		return err, nil
	}
	return nil, err
}

func (a *acker) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.failAll(retry.Permanent(errClosed))
}

func (a *acker) ids() []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	ids := make([]int64, 0, len(a.waiting))
	for id := range a.waiting {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// resolve takes one poll's outcome.
func (a *acker) resolve(acks map[int64]bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lastErr = err
	if retry.IsPermanent(err) {
		a.failAll(err)
	}
	for id, indexed := range acks {
		if ch := a.waiting[id]; ch != nil && indexed {
			ch <- nil
			delete(a.waiting, id)
		}
	}
}

// poll asks e for what is waited for, until ctx ends. A failed poll is made
// again at the next tick; what it may have swallowed is sent again in time.
func (c *Client) poll(ctx context.Context, e *endpoint) {
	tick := time.NewTicker(c.opts.AckPoll)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			e.acks.close()
			return
		}
		const most = 1000
		for ids := range slices.Chunk(e.acks.ids(), most) {
			acks, err := c.askAcks(ctx, e, ids)
			if ctx.Err() == nil {
				e.acks.resolve(acks, err)
			}
		}
	}
}

func (c *Client) askAcks(ctx context.Context, e *endpoint, ids []int64) (map[int64]bool, error) {
	body, err := json.Marshal(struct {
		Acks []int64 `json:"acks"`
	}{ids})
	if err != nil {
		return nil, fmt.Errorf("HEC ack query: %w", err)
	}
	c.n.polls.Add(1)
	a, text, err := c.post(ctx, e, pathAck, body, false)
	if err != nil {
		_, err = transportError(e.url, err)
		return nil, err
	}
	if a.status != 200 {
		switch { // it is not about an event
		case a.verdict == refused && !a.aboutEvents():
			a.verdict, a.fix = misconfigured, a.refusalFix()
		case a.verdict == refused || a.verdict == tooLarge:
			a.verdict = transient
		}
		return nil, c.judge(e, &a)
	}
	var got struct {
		Acks map[int64]bool `json:"acks"`
	}
	if err := json.Unmarshal(text, &got); err != nil || got.Acks == nil {
		return nil, fmt.Errorf("HEC %s: unreadable answer to an ack query", e.url)
	}
	return got.Acks, nil
}
