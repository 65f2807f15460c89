package sls_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Whatever fails on the way, whoever joins and however shards divide: with a
// sink that answers truly, every log arrives once, and no checkpoint is ever
// ahead.
func TestChaos(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := startServer(t, emulator.Options{Shards: 4})
			s.Faults.Delay = 5 * time.Millisecond
			l, gen := s.Logstore(), emulator.NewGenerator(seed)
			k := newSink(t, 8*time.Millisecond)
			k.guard(l, begins(l))
			n := fill(l, gen, 10, 2)
			c := newClient(t, s, sls.Options{Retry: retry.Policy{Attempts: 40, Base: time.Millisecond, Max: 10 * time.Millisecond}})
			mustRun(t, newWorker(t, c, "a", k, drain())) // how a group begins is not the matter here
			s.Faults.Random(seed, map[fault.Kind]float64{
				fault.Error500: .05, fault.Error503: .05, fault.ResetBefore: .05, fault.ResetAfter: .05,
				fault.ResetMid: .05, fault.Truncate: .05, fault.Slow: .1,
			})
			o := quick()
			o.Timeout = 20 * time.Second
			follow(t, newWorker(t, c, "a", k, o))
			n += fill(l, gen, 5, 2)
			follow(t, newWorker(t, c, "b", k, o))
			eventually(t, "some logs", func() bool { return k.count() > n/3 })
			_, right, err := l.Split(0)
			if err != nil {
				t.Fatal(err)
			}
			n += fill(l, gen, 10, 2)
			if _, err := l.Merge(right); err != nil {
				t.Fatal(err)
			}
			n += fill(l, gen, 10, 2)
			eventually(t, "all logs", func() bool { return k.count() == n })
			k.want(n, false)
			checkClean(t, l)
		})
	}
}

// A member the service has forgotten stops at once, says so, and takes up what
// it is given then. Nothing is lost; what was under way may come twice.
func TestForgottenMember(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 3})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	k := newSink(t, 5*time.Millisecond)
	k.guard(l, begins(l))
	n := fill(l, gen, 30, 1)
	o := quick()
	var lost atomic.Int32
	o.OnEvent = func(e sls.Event) {
		if e.Kind == sls.ShardLost {
			if !errors.Is(e.Err, sls.ErrLost) {
				t.Errorf("lost for %v", e.Err)
			}
			lost.Add(1)
		}
	}
	follow(t, newWorker(t, newClient(t, s, sls.Options{}), "a", k, o))
	eventually(t, "first logs", func() bool { return k.count() > 5 })
	l.Evict("group", "a")
	n += fill(l, gen, 10, 1)
	eventually(t, "all logs", func() bool { return k.count() == n && lost.Load() > 0 })
	k.want(n, true)
	checkClean(t, l)
}

// gate is a network that can be cut.
type gate struct {
	cut  atomic.Bool
	next http.RoundTripper
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.cut.Load() {
		<-r.Context().Done() // packets go nowhere
		return nil, r.Context().Err()
	}
	return g.next.RoundTrip(r)
}

// A member that is cut off sends nothing any more by the time the service
// gives its shards to another.
func TestCutOffMember(t *testing.T) {
	t.Parallel()
	s := startServer(t, emulator.Options{Shards: 2})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	n := fill(l, gen, 3, 1)
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	g := &gate{next: tr}
	var sending atomic.Int32 // pages the cut-off member is sending
	entered := make(chan struct{}, 10)
	slow := sls.ProcessorFunc(func(ctx context.Context, p *sls.Page, done sls.Done) error {
		sending.Add(1)
		entered <- struct{}{}
		<-ctx.Done()
		sending.Add(-1)
		if !errors.Is(context.Cause(ctx), sls.ErrLost) {
			t.Errorf("ended for %v", context.Cause(ctx))
		}
		return context.Cause(ctx)
	})
	o := quick()
	o.Timeout = 2 * time.Second
	a := newWorker(t, newClient(t, s, sls.Options{Transport: g}), "a", slow, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _, _ = a.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	<-entered
	<-entered
	g.cut.Store(true)
	k := newSink(t, 0)
	k.guard(l, begins(l))
	check := sls.ProcessorFunc(func(ctx context.Context, p *sls.Page, done sls.Done) error {
		if sending.Load() != 0 {
			t.Error("two members send for the shards at once")
		}
		return k.Process(ctx, p, done)
	})
	follow(t, newWorker(t, newClient(t, s, sls.Options{}), "b", check, o))
	eventually(t, "the other to deliver all", func() bool { return k.count() == n })
	k.want(n, false)
	checkClean(t, l)
	cancel()
}

// Killed at any moment and started again under the same name: nothing is lost,
// and what comes twice comes under the same cursor.
func TestKilledAndRestarted(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 3})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	k := newSink(t, 10*time.Millisecond)
	k.guard(l, begins(l))
	n := fill(l, gen, 60, 1)
	c := newClient(t, s, sls.Options{})
	o := quick()
	o.Grace = time.Nanosecond // a stop without any order
	for range 6 {
		before := k.count()
		stop := follow(t, newWorker(t, c, "stable", k, o))
		eventually(t, "some more logs", func() bool { return k.count() >= min(before+20, n) })
		_, _ = stop()
	}
	mustRun(t, newWorker(t, c, "stable", k, drain()))
	k.want(n, true)
	k.mu.Lock()
	defer k.mu.Unlock()
	for shard, cursors := range k.accepted {
		if len(cursors) != 60 {
			t.Errorf("shard %d: 60 groups came under %d cursors", shard, len(cursors))
		}
	}
}
