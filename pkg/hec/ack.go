package hec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
// its numbers come again for other requests. Or it is that of another receiver behind
// the same URL, which numbers for itself. Where requests are waited for then, a number
// may be of one or of another, so that the channel is given up for a new one.
type acker struct {
	window time.Duration // see maxRestarts

	mu       sync.Mutex
	channel  string
	epoch    int         // restarts seen
	restarts []time.Time // of them, those within window
	last     int64       // greatest ackId of this epoch
	waiting  map[int64]chan error
	lastErr  error // of the last poll
	closed   bool  // nobody polls any more
}

// mark is what an acker knew when a request began.
type mark struct {
	channel string
	epoch   int
	last    int64
}

// maxRestarts within the time that an acknowledgement is waited for are no restarts.
const maxRestarts = 5

var (
	errAckLost   = errors.New("the receiver restarted its acknowledgements")
	errAckSpread = retry.Permanent(fmt.Errorf("acknowledgements were numbered anew %d times in a row, as by several receivers in turn: %s", maxRestarts, fixes[28]))
)

func newAcker(window time.Duration) *acker {
	return &acker{window: window, channel: newGUID(), last: -1, waiting: map[int64]chan error{}}
}

func (a *acker) mark() mark {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now()
}

// now is mark with the lock held.
func (a *acker) now() mark { return mark{a.channel, a.epoch, a.last} }

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
		if why := a.restarted(); why != nil {
			ch <- why
			return ch
		}
	}
	a.last = max(a.last, id)
	a.waiting[id] = ch
	return ch
}

// restarted takes note of a restart. It returns why the request that showed it will
// not be acknowledged either, if it will not.
func (a *acker) restarted() error {
	a.epoch++
	a.last = -1
	now := time.Now()
	a.restarts = append(slices.DeleteFunc(a.restarts, func(at time.Time) bool { return now.Sub(at) > a.window }), now)
	if len(a.restarts) >= maxRestarts {
		a.failAll(errAckSpread)
		return errAckSpread
	}
	if len(a.waiting) == 0 {
		return nil
	}
	a.channel = newGUID()
	a.failAll(errAckLost)
	return errAckLost
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

// ids are those that are waited for, of the channel and epoch that m says.
func (a *acker) ids() (m mark, ids []int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now(), slices.Sorted(maps.Keys(a.waiting))
}

// resolve takes the outcome of a poll that was made as of m.
func (a *acker) resolve(m mark, acks map[int64]bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lastErr = err
	if m.epoch != a.epoch {
		return // these numbers are others' now
	}
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
		m, waiting := e.acks.ids()
		for ids := range slices.Chunk(waiting, most) {
			acks, err := c.askAcks(ctx, e, m.channel, ids)
			if ctx.Err() == nil {
				e.acks.resolve(m, acks, err)
			}
		}
	}
}

func (c *Client) askAcks(ctx context.Context, e *endpoint, channel string, ids []int64) (map[int64]bool, error) {
	body, err := json.Marshal(struct {
		Acks []int64 `json:"acks"`
	}{ids})
	if err != nil {
		return nil, fmt.Errorf("HEC ack query: %w", err)
	}
	c.n.polls.Add(1)
	a, text, err := c.post(ctx, e, channel, pathAck, body, false)
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
