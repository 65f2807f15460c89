package hec

import "time"

// channels holds what each channel still has to acknowledge. Splunk numbers
// ackIds from 0 per channel, reports a true once and then forgets the id, and
// says false for ids it does not know.
type channels map[string]*channel

type channel struct {
	next    int64
	pending map[int64]pendingAck
}

type pendingAck struct {
	indexedAt time.Time
	ids       []string
}

// issue returns the ackId for a request that was accepted now.
func (c channels) issue(guid string, indexedAt time.Time, ids []string) int64 {
	ch := c[guid]
	if ch == nil {
		ch = &channel{pending: map[int64]pendingAck{}}
		c[guid] = ch
	}
	id := ch.next
	ch.next++
	ch.pending[id] = pendingAck{indexedAt, ids}
	return id
}

// take reports whether id is indexed by now, and forgets it if so.
func (c channels) take(guid string, id int64, now time.Time) (ids []string, indexed bool) {
	ch := c[guid]
	if ch == nil {
		return nil, false
	}
	p, ok := ch.pending[id]
	if !ok || now.Before(p.indexedAt) {
		return nil, false
	}
	delete(ch.pending, id)
	return p.ids, true
}
