package lease_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/lease"
)

// holders watches who relies on the lease.
type holders struct {
	mu      sync.Mutex
	last    *lease.Lease
	by      string
	changes int
}

// relies tells whether l can be relied on, and fails the test if another one
// can at the same moment.
func (h *holders) relies(t *testing.T, l *lease.Lease, by string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.Err() != nil {
		return false
	}
	if h.last != nil && h.last != l && h.last.Err() == nil && l.Err() == nil {
		t.Errorf("%s and %s hold the lease at once", h.by, by)
	}
	if h.last != l {
		h.last, h.by = l, by
		h.changes++
	}
	return true
}

// TestNeverTwoHoldersOnOSS lets contenders take, keep, give back and lose a
// lease, some dying with it, while requests and answers of the store get lost.
func TestNeverTwoHoldersOnOSS(t *testing.T) {
	s := oss.New(oss.Options{})
	t.Cleanup(s.Close)
	s.AddBucket("state")
	s.Faults.Delay = 150 * time.Millisecond
	s.Faults.Random(17, map[fault.Kind]float64{
		fault.Error500: 0.03, fault.ResetBefore: 0.03, fault.ResetAfter: 0.1, fault.ResetMid: 0.02, fault.Slow: 0.05,
	})
	url := "oss://state?region=cn-hangzhou&prefix=folder&endpoint=" + s.Start()
	const term = 800 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	var seen holders
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			for life := 0; ctx.Err() == nil; life++ {
				contend(ctx, t, &seen, url, fmt.Sprint(i, ".", life), term)
			}
		})
	}
	wg.Wait()
	if seen.changes < 3 {
		t.Errorf("the lease changed hands %d times: too seldom to show anything", seen.changes)
	}
}

// contend is one process: it takes the lease once, works under it for a while,
// and gives it back or dies.
func contend(ctx context.Context, t *testing.T, seen *holders, url, name string, term time.Duration) {
	b, err := bucket.Open(ctx, url, bucket.WithOSS(alibaba.Static("ak", "secret", "")))
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = b.Close() }() // without a release this is a death: renewals fail
	try, cancel := context.WithTimeout(ctx, 2*term)
	defer cancel()
	l, err := lease.Acquire(try, b, "lease/", name, term)
	if err != nil {
		var held *lease.Held
		if errors.As(err, &held) {
			time.Sleep(term / 20)
		}
		return
	}
	for end := time.Now().Add(rand.N(2 * term)); seen.relies(t, l, name) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if rand.N(3) > 0 {
		_ = l.Release(try) // where it fails, others wait the term out
		return
	}
	_ = b.Close()
	for l.Err() == nil {
		seen.relies(t, l, name)
		time.Sleep(time.Millisecond)
	}
	_ = l.Release(ctx) // ends its goroutine; it has lost the lease
}
