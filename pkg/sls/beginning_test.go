package sls_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	"github.com/siemfeed/siemfeed/pkg/bucket"
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
	o.Start, o.Beginnings = sls.End, remember(t)
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
	if err := c.EnsureGroup(t.Context(), sls.ConsumerGroup{Name: "group", Timeout: 3, Order: true}); err != nil {
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
	o.Start, o.Beginnings = sls.End, remember(t)
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

// script is what one member does on its way to its shards, requests and looks at
// the beginnings alike, and a step of it at which something else happens.
type script struct {
	sls.Beginnings
	next http.RoundTripper
	at   int // the step, from 1 on; 0 is none
	do   func()
	// still, unless nil, keeps what comes after that step waiting until it is
	// closed.
	still chan struct{}
	n     atomic.Int32
}

func (s *script) step() {
	switch n := int(s.n.Add(1)); {
	case n == s.at:
		s.do()
	case n > s.at && s.still != nil:
		<-s.still
	}
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.step()
	return s.next.RoundTrip(r)
}

func (s *script) Latest(ctx context.Context, v any) (uint64, error) {
	s.step()
	return s.Beginnings.Latest(ctx, v)
}

func (s *script) Append(ctx context.Context, n uint64, v any) error {
	s.step()
	return s.Beginnings.Append(ctx, n, v)
}

// scripted returns a member that begins at "end" and whose steps are s's.
func scripted(t *testing.T, e *emulator.Server, s *script, k *sink) *sls.Worker {
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	s.next = tr
	o := drain()
	o.Start, o.Beginnings = sls.End, s
	return newWorker(t, newClient(t, e, sls.Options{Transport: s}), "slow", k, o)
}

// steps is how many steps of a member the tests below try: more than it takes
// to settle a beginning and to hold its shards.
const steps = 25

// old is a logstore with a history: logs, and a shard that was split.
func old(t *testing.T, gen *emulator.Generator) (s *emulator.Server, before int) {
	s = startServer(t, emulator.Options{Shards: 3})
	before = fill(s.Logstore(), gen, 5, 1)
	if _, _, err := s.Logstore().Split(1); err != nil {
		t.Fatal(err)
	}
	return s, before + fill(s.Logstore(), gen, 5, 1)
}

// A member that stands still at any step, while another takes its place and
// reads on, changes nothing by what it does when it wakes up: the group has one
// beginning, and nothing moves back.
func TestBeginningBesideAMemberThatStandsStill(t *testing.T) {
	for at := range steps {
		t.Run(fmt.Sprint("step ", at+1), func(t *testing.T) {
			t.Parallel()
			gen := emulator.NewGenerator(1)
			s, n := old(t, gen)
			l := s.Logstore()
			before := n
			k, store := newSink(t, 0), remember(t)
			asleep, wake := make(chan struct{}), make(chan struct{})
			slow := scripted(t, s, &script{Beginnings: store, at: at + 1, still: wake, do: func() { close(asleep); <-wake }}, k)
			woken := make(chan struct{})
			go func() { defer close(woken); _, _ = slow.Run(t.Context()) }()
			select {
			case <-asleep:
			case <-woken:
				t.Fatal("it has not so many steps")
			}
			o := drain()
			o.Start, o.Beginnings = sls.End, store
			c := newClient(t, s, sls.Options{})
			w := newWorker(t, c, "quick", k, o)
			instead(t, l, w)
			n += fill(l, gen, 2, 1)
			instead(t, l, w)
			saved := positions(l)
			close(wake)
			<-woken
			if now := positions(l); !maps.Equal(saved, now) {
				t.Errorf("%v became %v", saved, now)
			}
			n += fill(l, gen, 1, 1)
			instead(t, l, w)
			wantFrom(t, k, before, n)
			checkClean(t, l)
		})
	}
}

// A member that is killed at any step leaves a beginning that is whole: what was
// there before it is never read, what came after is not lost. That also goes for
// a group that was deleted in between, which begins anew.
func TestBeginningCutShort(t *testing.T) {
	for at := range steps {
		for _, deleted := range []bool{false, true} {
			t.Run(fmt.Sprintf("step %d, deleted %v", at+1, deleted), func(t *testing.T) {
				t.Parallel()
				gen := emulator.NewGenerator(1)
				s, n := old(t, gen)
				l := s.Logstore()
				k, store := newSink(t, 0), remember(t)
				o := drain()
				o.Start, o.Beginnings = sls.End, store
				c := newClient(t, s, sls.Options{})
				w := newWorker(t, c, "quick", k, o)
				if deleted {
					mustRun(t, w)
					if err := c.DeleteGroup(t.Context(), "group"); err != nil {
						t.Fatal(err)
					}
					n += fill(l, gen, 1, 1)
				}
				ctx, kill := context.WithCancel(t.Context())
				_, _ = scripted(t, s, &script{Beginnings: store, at: at + 1, do: kill}, k).Run(ctx)
				kill()
				instead(t, l, w)
				before := n
				n += fill(l, gen, 1, 1)
				if _, _, err := l.Split(2); err != nil {
					t.Fatal(err)
				}
				n += fill(l, gen, 1, 1)
				instead(t, l, w)
				wantFrom(t, k, before, n)
				checkClean(t, l)
			})
		}
	}
}

// A shard that splits while a group is given its beginning loses nothing, and no
// log is read that is older than the group.
func TestBeginningWhileAShardSplits(t *testing.T) {
	for at := range steps {
		t.Run(fmt.Sprint("step ", at+1), func(t *testing.T) {
			t.Parallel()
			gen := emulator.NewGenerator(1)
			s, before := old(t, gen)
			l := s.Logstore()
			k := newSink(t, 0)
			m := &script{Beginnings: remember(t), at: at + 1, do: func() {
				if _, _, err := l.Split(2); err != nil {
					t.Error(err)
				}
			}}
			w := scripted(t, s, m, k)
			mustRun(t, w)
			n := before + fill(l, gen, 3, 1)
			mustRun(t, w)
			wantFrom(t, k, before, n)
			checkClean(t, l)
		})
	}
}

// A group that others have read from before it is taken over is read on from its
// checkpoints, and from the beginning where it has none.
func TestBeginningOfAGroupThatHasCheckpoints(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	k := newSink(t, 0)
	n := fill(l, gen, 2, 1)
	o := drain()
	mustRun(t, newWorker(t, newClient(t, s, sls.Options{}), "vendor", k, o))
	if _, _, err := l.Split(0); err != nil {
		t.Fatal(err)
	}
	n += fill(l, gen, 2, 1)
	l.Evict("group", "vendor")
	o.Start, o.Beginnings = sls.End, remember(t)
	mustRun(t, newWorker(t, newClient(t, s, sls.Options{}), "c", k, o))
	k.want(n, false)
	checkClean(t, l)
}

// instead has w drain the logstore in the place of the slow member, of which a
// request that it had sent may still come in.
func instead(t *testing.T, l *emulator.Logstore, w *sls.Worker) {
	t.Helper()
	eventually(t, "the other to hold all", func() bool { l.Evict("group", "slow"); return mustRun(t, w).Complete() })
}

// positions are the checkpoints that are saved.
func positions(l *emulator.Logstore) map[int]string {
	out := map[int]string{}
	ids, _ := l.ShardIDs()
	for _, id := range ids {
		out[id] = l.Checkpoint("group", id)
	}
	return out
}

// wantFrom checks that of n logs just those from the first-th on have arrived.
func wantFrom(t *testing.T, k *sink, first, n int) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range n {
		if got := k.values[fmt.Sprint(i)]; (got > 0) != (i >= first) {
			t.Errorf("log %d of %d arrived %d times, the group began at %d", i, n, got, first)
		}
	}
}

// remember is a place for beginnings.
func remember(t *testing.T) bucket.Series {
	b, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b.Series("group/", bucket.Digits(20))
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
		o.Timeout, o.Beginnings = time.Second, remember(t)
		if exists {
			if err := c.EnsureGroup(t.Context(), sls.ConsumerGroup{Name: "group", Timeout: 1, Order: true}); err != nil {
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
