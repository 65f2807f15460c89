package sls

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// contested is what is known of a shard whose checkpoint the service refused as
// another consumer's. Most often that is true, and the next answer gives the
// shard to that one. Where the shard stays assigned all the same, to begin with
// it again at once would only deliver the same logs again.
type contested struct {
	at     time.Time
	times  int  // in a row
	stayed bool // the shard was assigned all the same
	err    error
}

// maxRefused is how often in a row a shard's checkpoint may be refused while
// the shard stays assigned.
const maxRefused = 3

// refuse takes note of a task that ended with a refused checkpoint, and tells
// whether it did.
func (m *member) refuse(t *task) bool {
	if !IsCode(t.err, CodeConsumerNotMatch, CodeConsumerNotExist) {
		return false
	}
	times := 1
	if before := m.contested[t.shard]; before != nil {
		times += before.times
	}
	m.contested[t.shard] = &contested{at: time.Now(), times: times, err: t.err}
	return true
}

// mayBegin tells whether a shard that an answer assigns may be begun. One whose
// checkpoint was refused waits for a heartbeat that was due anyway.
func (m *member) mayBegin(shard int, sent time.Time) bool {
	r := m.contested[shard]
	if r == nil {
		return true
	}
	if sent.Before(r.at) {
		return false // the answer may be older than the refusal
	}
	r.stayed = true
	if r.times >= maxRefused {
		m.fail(r.error(shard))
		return false
	}
	return time.Since(r.at) >= m.w.o.Heartbeat/2
}

// forgive forgets the refusals of shards that went to others.
func (m *member) forgive(a answer) {
	maps.DeleteFunc(m.contested, func(shard int, r *contested) bool {
		return a.sent.After(r.at) && !slices.Contains(a.shards, shard)
	})
}

// stuck lists what the run ends with: shards whose checkpoint was refused, and
// that were not begun again although they were not given to others either, as
// far as is known. A member that follows may be stopped in the middle of a
// handover, and says nothing of what it does not know.
func (m *member) stuck() (faults []error) {
	if len(m.fatal) > 0 {
		return nil
	}
	for _, shard := range slices.SortedFunc(maps.Keys(m.contested), cmp.Compare) {
		if r := m.contested[shard]; (r.stayed || m.w.o.Drain) && m.tasks[shard] == nil && len(faults) < maxFatal {
			faults = append(faults, r.error(shard))
		}
	}
	return faults
}

func (r *contested) error(shard int) error {
	return fmt.Errorf("sls: the checkpoint of shard %d was refused %d times in a row, and no other consumer was given the shard: %w", shard, r.times, r.err)
}
