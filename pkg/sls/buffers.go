package sls

import (
	"context"
	"math/bits"
	"sync"

	"golang.org/x/sync/semaphore"
)

// buffers lends byte slices out of a fixed budget and keeps them for the next
// pull. Whoever must wait for room holds none while waiting, so that waiting
// always ends.
type buffers struct {
	total int64
	room  *semaphore.Weighted
	pools [64]sync.Pool // by size class
}

type buffer struct {
	b     []byte
	class int
	cost  int64
}

func newBuffers(total int64) *buffers {
	return &buffers{total: total, room: semaphore.NewWeighted(total)}
}

// minClass is the class of the smallest buffer, 64 KiB.
const minClass = 32

// sizeClass rounds n up to a power of two or the half-way point below it, so
// that a buffer fits most of the pulls after the one it was made for.
func sizeClass(n int) (class, size int) {
	if n <= 64<<10 {
		return minClass, 64 << 10
	}
	p := bits.Len(uint(n - 1)) //nolint:gosec // n is a size
	if half := 3 << (p - 2); n <= half {
		return 2*p - 1, half
	}
	return 2 * p, 1 << p
}

// get waits for room for two buffers of at least the given sizes, together.
func (s *buffers) get(ctx context.Context, n, m int) (a, b *buffer, err error) {
	ac, an := sizeClass(n)
	bc, bn := sizeClass(m)
	cost := min(int64(an)+int64(bn), s.total)
	if err := s.room.Acquire(ctx, cost); err != nil {
		return nil, nil, err
	}
	bcost := min(int64(bn), cost) // what exceeds the budget is nobody's to give back
	return s.take(ac, an, cost-bcost), s.take(bc, bn, bcost), nil
}

func (s *buffers) take(class, size int, cost int64) *buffer {
	b, _ := s.pools[class].Get().(*buffer)
	if b == nil {
		b = &buffer{b: make([]byte, size), class: class}
	}
	b.cost = cost
	return b
}

func (s *buffers) put(b *buffer) {
	s.room.Release(b.cost)
	s.pools[b.class].Put(b)
}
