package hec

import "time"

// queue models the indexing queue: it fills with what is accepted and drains
// at a steady rate.
type queue struct {
	level float64
	at    time.Time
}

// offer takes n events if they fit, and says whether the queue is then nearly
// full. A request larger than the whole queue fits when the queue is empty.
func (q *queue) offer(n int, o *Options, now time.Time) (ok, nearlyFull bool) {
	if o.QueueEvents == 0 {
		return true, false
	}
	if !q.at.IsZero() {
		q.level = max(0, q.level-now.Sub(q.at).Seconds()*o.QueueRate)
	}
	q.at = now
	if q.level > 0 && q.level+float64(n) > float64(o.QueueEvents) {
		return false, true
	}
	q.level += float64(n)
	return true, q.level > 0.8*float64(o.QueueEvents)
}
