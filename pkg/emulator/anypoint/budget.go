package anypoint

import (
	"math"
	"strconv"
	"sync"
	"time"
)

// budget counts requests as they arrive.
type budget struct {
	limit   int
	sliding bool

	mu     sync.Mutex
	taken  []time.Time // sliding: of the last minute
	minute time.Time   // fixed: the one being counted
	count  int
}

// take counts one request. When there is no room it says for how long.
func (b *budget) take(now time.Time) (wait time.Duration, ok bool) {
	if b.limit <= 0 {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sliding {
		for len(b.taken) > 0 && now.Sub(b.taken[0]) >= time.Minute {
			b.taken = b.taken[1:]
		}
		if len(b.taken) >= b.limit {
			return b.taken[0].Add(time.Minute).Sub(now), false
		}
		b.taken = append(b.taken, now)
		return 0, true
	}
	if m := now.Truncate(time.Minute); !m.Equal(b.minute) {
		b.minute, b.count = m, 0
	}
	if b.count >= b.limit {
		return b.minute.Add(time.Minute).Sub(now), false
	}
	b.count++
	return 0, true
}

// seconds is a Retry-After: d in whole seconds, rounded up.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}
