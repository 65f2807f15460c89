package sls

import (
	"sync"
	"time"
)

// ShardStatus is how far a shard was read.
type ShardStatus struct {
	Shard      int
	Start      string    // cursor the reading began at
	Position   string    // cursor of the next pull
	Checkpoint string    // last one saved in this run
	End        string    // cursor to stop at, when draining
	Pages      int       // pulls that brought something
	Groups     int       // LogGroups read
	RawBytes   int64     // of these, decompressed
	WireBytes  int64     // as received
	Received   time.Time // when SLS received the newest group read; zero if unknown
	CaughtUp   bool      // the last pull found nothing more
	Finished   bool      // nothing is left to read, and all is confirmed
	Lost       bool      // taken away before it could be handed over
}

// Behind is how many LogGroups are left before End, or -1 where there is no
// End or cursors do not count.
func (s ShardStatus) Behind() int64 {
	end, ok1 := CursorNumber(s.End)
	at, ok2 := CursorNumber(s.Checkpoint)
	if !ok2 {
		at, ok2 = CursorNumber(s.Start)
	}
	if !ok1 || !ok2 {
		return -1
	}
	return max(0, end-at)
}

// shardState is a ShardStatus under way.
type shardState struct {
	mu sync.Mutex
	s  ShardStatus
}

func (s *shardState) update(f func(*ShardStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.s)
}

func (s *shardState) get() ShardStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.s
}

func (s *shardState) pulled(p *Page) {
	s.update(func(s *ShardStatus) {
		s.Position = p.Next
		s.Pages++
		s.Groups += p.Count
		s.RawBytes += int64(len(p.Raw))
		s.WireBytes += int64(p.Wire)
		s.CaughtUp = p.AtEnd
		if !p.Received.IsZero() {
			s.Received = p.Received
		}
	})
}

func (s *shardState) caughtUp() { s.update(func(s *ShardStatus) { s.CaughtUp = true }) }

func (s *shardState) committed(cursor string) {
	s.update(func(s *ShardStatus) { s.Checkpoint = cursor })
}
