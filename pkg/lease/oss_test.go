package lease_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	"github.com/siemfeed/siemfeed/pkg/emulator/inprocess"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/lease"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// holders watches who relies on the lease.
type holders struct {
	enough func() // called once the lease has changed hands wanted times

	mu     sync.Mutex
	last   *lease.Lease
	by     string
	wanted int
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
		if h.wanted--; h.wanted == 0 {
			h.enough()
		}
	}
	return true
}

// process is what takes a contender's requests there and answers back, slowly at
// times, until it dies.
type process struct {
	context.Context
	store http.RoundTripper
}

func (p process) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := errors.Join(p.Err(), retry.Sleep(r.Context(), rand.N(ttl/100))); err != nil {
		return nil, err
	}
	// What is under way gets there, whatever becomes of its sender.
	res, err := p.store.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
	if err := errors.Join(p.Err(), retry.Sleep(r.Context(), rand.N(ttl/100))); err != nil {
		return nil, err
	}
	return res, err
}

// TestNeverTwoHoldersOnOSS lets contenders take, keep, give back and lose a
// lease, some dying with it, while requests and answers of the store get lost.
func TestNeverTwoHoldersOnOSS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := oss.New(oss.Options{})
		s.AddBucket("state")
		s.Faults.Delay = ttl / 5
		s.Faults.Random(17, map[fault.Kind]float64{
			fault.Error500: 0.03, fault.ResetBefore: 0.03, fault.ResetAfter: 0.1, fault.ResetMid: 0.02, fault.Slow: 0.05,
		})
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		seen := holders{enough: cancel, wanted: 60}
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				for life := 0; ctx.Err() == nil; life++ {
					contend(ctx, t, &seen, fmt.Sprint(i, ".", life), inprocess.Transport{Handler: s})
				}
			})
		}
		wg.Wait()
		if seen.wanted > 0 {
			t.Errorf("a day was too short: the lease had to change hands %d times more", seen.wanted)
		}
	})
}

// contend is one process: it takes the lease once, works under it for a while,
// and gives it back or dies.
func contend(ctx context.Context, t *testing.T, seen *holders, name string, store http.RoundTripper) {
	alive, die := context.WithCancel(context.Background())
	defer die()
	b, err := bucket.Open(ctx, "oss://state?region=cn-hangzhou&prefix=folder&endpoint=http://localhost",
		bucket.WithOSS(alibaba.Static("ak", "secret", "")),
		bucket.WithTransport(func(http.RoundTripper) http.RoundTripper { return process{alive, store} }))
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = b.Close() }()
	try, cancel := context.WithTimeout(ctx, 2*ttl)
	defer cancel()
	l, err := lease.Acquire(try, b, "lease/", name, ttl)
	if err != nil {
		var held *lease.Held
		if errors.As(err, &held) {
			time.Sleep(ttl / 10)
		}
		return
	}
	for end := time.Now().Add(rand.N(2 * ttl)); seen.relies(t, l, name) && time.Now().Before(end); {
		time.Sleep(ttl / 200)
	}
	if rand.N(3) > 0 {
		_ = l.Release(try) // where it fails, others wait the term out
		return
	}
	die()
	for seen.relies(t, l, name) { // until it notices
		time.Sleep(ttl / 200)
	}
	_ = l.Release(ctx) // ends its goroutine; it has lost the lease
}
