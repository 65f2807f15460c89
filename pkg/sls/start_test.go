package sls_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// With "end" nothing is read that is older than the group's first run, also
// where that run ended between a split shard and its children.
func TestEndHoldsForChildren(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	a, b, err := l.Split(0) // long ago
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		l.Append(a, gen.Group(10))
		l.Append(b, gen.Group(10))
	}
	k := newSink(t, 0)
	o := drain()
	o.Start = sls.End
	ctx, cancel := context.WithCancel(t.Context())
	o.OnEvent = func(e sls.Event) {
		if e.Kind == sls.ShardFinished {
			cancel() // the run's time is up, or it is killed
		}
	}
	_, _ = newWorker(t, newClient(t, s, sls.Options{}), "c", k, o).Run(ctx)
	o.OnEvent = nil
	mustRun(t, newWorker(t, newClient(t, s, sls.Options{}), "c", k, o))
	if n := k.count(); n != 0 {
		t.Errorf("%d logs were read that are older than the group", n)
	}
}

// With "end" nothing is lost that comes after the group's first run, also of a
// shard that another consumer held then.
func TestEndHoldsForAShardHeldByARival(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 2})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	c := newClient(t, s, sls.Options{})
	if _, err := c.EnsureGroup(t.Context(), sls.ConsumerGroup{Name: "group", Timeout: 3, Order: true}); err != nil {
		t.Fatal(err)
	}
	alive, die := context.WithCancel(t.Context())
	var rival sync.WaitGroup
	defer rival.Wait()
	defer die()
	for _, held := range [][]int{nil, {0, 1}} {
		if _, err := c.Heartbeat(t.Context(), "group", "rival", held); err != nil {
			t.Fatal(err)
		}
	}
	rival.Go(func() {
		for retry.Sleep(alive, 100*time.Millisecond) == nil {
			_, _ = c.Heartbeat(alive, "group", "rival", []int{0, 1})
		}
	})
	k := newSink(t, 0)
	o := drain()
	o.Start = sls.End
	if r := mustRun(t, newWorker(t, c, "c", k, o)); len(r.Unassigned) == 0 {
		t.Fatal("the rival holds nothing")
	}
	die()
	rival.Wait()
	l.Append(0, gen.Group(1))
	l.Append(1, gen.Group(1), gen.Group(1))
	l.Evict("group", "rival") // it dies, having saved nothing
	mustRun(t, newWorker(t, c, "c", k, o))
	k.want(3, false)
	checkClean(t, l)
}

// A start that was cut short at any checkpoint is completed by the next run,
// and one that was not is never done again.
func TestStartCutShort(t *testing.T) {
	for cut := range 4 {
		s := startServer(t, emulator.Options{Shards: 3})
		l, gen := s.Logstore(), emulator.NewGenerator(1)
		a, _, err := l.Split(1) // long ago
		if err != nil {
			t.Fatal(err)
		}
		before := fill(l, gen, 5, 1)
		ctx, kill := context.WithCancel(t.Context())
		saved := 0
		l.OnCheckpoint(func(emulator.CheckpointEvent) {
			if saved++; saved > cut {
				kill()
			}
		})
		k := newSink(t, 0)
		o := drain()
		o.Start = sls.End
		_, _ = newWorker(t, newClient(t, s, sls.Options{}), "c", k, o).Run(ctx)
		w := newWorker(t, newClient(t, s, sls.Options{}), "c", k, o)
		mustRun(t, w)
		if k.count() != 0 {
			t.Errorf("cut after %d: %d logs were read that are older than the group", cut, k.count())
		}
		after := fill(l, gen, 1, 1)
		if _, _, err := l.Split(a); err != nil {
			t.Fatal(err)
		}
		after += fill(l, gen, 1, 1)
		if mustRun(t, w); k.count() != after {
			t.Errorf("cut after %d: %d of %d logs that came later, %d before", cut, k.count(), after, before)
		}
		checkClean(t, l)
	}
}

// Two that follow give a new group one beginning, whether one of them has made
// it or neither remembers to have.
func TestFollowersShareOneStart(t *testing.T) {
	for _, exists := range []bool{false, true} {
		s := startServer(t, emulator.Options{Shards: 4})
		l, gen := s.Logstore(), emulator.NewGenerator(1)
		n := fill(l, gen, 20, 1)
		k := newSink(t, 0)
		c := newClient(t, s, sls.Options{})
		o := quick()
		o.Timeout = time.Second
		if exists {
			if _, err := c.EnsureGroup(t.Context(), sls.ConsumerGroup{Name: "group", Timeout: 1, Order: true}); err != nil {
				t.Fatal(err)
			}
		}
		stop := []func() (sls.Result, error){
			follow(t, newWorker(t, c, "a", k, o)),
			follow(t, newWorker(t, c, "b", k, o)),
		}
		eventually(t, "all logs", func() bool { return k.count() == n })
		for _, f := range stop {
			if _, err := f(); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		k.want(n, false)
		checkClean(t, l)
	}
}

// A name that another logstore's group has is refused with words that say so.
func TestForeignGroup(t *testing.T) {
	s := startServer(t, emulator.Options{})
	other := s.AddLogstore("project", "other", 1)
	c := newClient(t, s, sls.Options{})
	mustRun(t, newWorker(t, c, "c", newSink(t, 0), drain()))
	o, err := sls.New(s.URL(), "project", "other", alibaba.Static("ak", "secret", ""), sls.Options{Retry: fast})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	_, err = newWorker(t, o, "c", newSink(t, 0), drain()).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "group belongs to another logstore of project project") {
		t.Errorf("got %v", err)
	}
	checkClean(t, other)
}
