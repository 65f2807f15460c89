package sls_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// sink stands for where logs become durable. It accepts pages out of order
// and some time after they were handed over.
type sink struct {
	t     testing.TB
	delay time.Duration

	mu       sync.Mutex
	accepted map[int]map[int64]int // shard → group cursor → times
	values   map[string]int        // the first content of each log → times
	order    []int                 // shard of each group, as accepted
	refuse   func(p *sls.Page) error
	wg       sync.WaitGroup
}

func newSink(t testing.TB, delay time.Duration) *sink {
	k := &sink{t: t, delay: delay, accepted: map[int]map[int64]int{}, values: map[string]int{}}
	t.Cleanup(k.wg.Wait)
	return k
}

// guard fails the test at a checkpoint that is ahead of what was accepted,
// counted from where each shard began.
func (k *sink) guard(l *emulator.Logstore, begin map[int]int64) {
	var mu sync.Mutex
	next := map[int]int64{}
	l.OnCheckpoint(func(e emulator.CheckpointEvent) {
		mu.Lock()
		defer mu.Unlock()
		n, seen := next[e.Shard]
		if !seen {
			n, seen = begin[e.Shard]
		}
		if !seen {
			n = e.Number // a shard that came later begins wherever it is pinned
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		for ; n < e.Number; n++ {
			if k.accepted[e.Shard][n] == 0 {
				k.t.Errorf("checkpoint of shard %d at %d, but group %d was not accepted", e.Shard, e.Number, n)
				break
			}
		}
		next[e.Shard] = n
	})
}

func (k *sink) Process(ctx context.Context, p *sls.Page, done sls.Done) error {
	k.wg.Go(func() {
		if k.delay > 0 {
			select {
			case <-time.After(rand.N(k.delay)): //nolint:gosec // a test
			case <-ctx.Done():
				done(nil, context.Cause(ctx))
				return
			}
		}
		done(p.Count, k.accept(p))
	})
	return nil
}

func (k *sink) accept(p *sls.Page) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuse != nil {
		if err := k.refuse(p); err != nil {
			return err
		}
	}
	if k.accepted[p.Shard] == nil {
		k.accepted[p.Shard] = map[int64]int{}
	}
	var g sls.Group
	var l sls.Log
	groups := p.Groups()
	for groups.Next(&g) {
		k.accepted[p.Shard][g.Cursor]++
		k.order = append(k.order, p.Shard)
		logs := g.Reader()
		for logs.Next(&l) {
			k.values[string(l.Contents[0].Value)]++
		}
		if logs.Err() != nil {
			return logs.Err()
		}
	}
	return groups.Err()
}

func (k *sink) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.values)
}

// wantOnce checks that logs 0 to n-1 arrived, each as often as allowed.
func (k *sink) want(n int, repeats bool) {
	k.t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	missing, repeated := 0, 0
	for i := range n {
		switch c := k.values[fmt.Sprint(i)]; {
		case c == 0:
			missing++
		case c > 1:
			repeated++
		}
	}
	if missing > 0 || len(k.values) != n || repeated > 0 && !repeats {
		k.t.Errorf("of %d logs %d are missing and %d repeated; %d arrived", n, missing, repeated, len(k.values))
	}
}

// fill puts groups of logs into every shard and returns how many logs.
func fill(l *emulator.Logstore, gen *emulator.Generator, groups, logs int) int {
	ids, readOnly := l.ShardIDs()
	n := 0
	for range groups {
		for _, id := range ids {
			if !readOnly[id] {
				l.Append(id, gen.Group(logs))
				n += logs
			}
		}
	}
	return n
}

func begins(l *emulator.Logstore) map[int]int64 {
	out := map[int]int64{}
	ids, _ := l.ShardIDs()
	for _, id := range ids {
		out[id], _ = l.Range(id)
	}
	return out
}

// quick are options that make a run take milliseconds where a real one takes
// seconds.
func quick() sls.WorkerOptions {
	return sls.WorkerOptions{
		Start: sls.Begin, Heartbeat: 30 * time.Millisecond, Timeout: 3 * time.Second, Poll: 5 * time.Millisecond,
		Commit: 5 * time.Millisecond, Grace: 5 * time.Second, Count: 4,
	}
}

func newWorker(t testing.TB, c *sls.Client, name string, p sls.Processor, o sls.WorkerOptions) *sls.Worker {
	t.Helper()
	w, err := sls.NewWorker(c, "group", name, p, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// follow runs a worker until stop is called, which returns its result.
func follow(t testing.TB, w *sls.Worker) (stop func() (sls.Result, error)) {
	ctx, cancel := context.WithCancel(context.Background())
	var r sls.Result
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		r, err = w.Run(ctx)
	}()
	stop = func() (sls.Result, error) {
		cancel()
		<-done
		return r, err
	}
	t.Cleanup(func() { _, _ = stop() })
	return stop
}

// eventually waits for a condition; how long it may take is no assertion.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 6000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("gave up waiting for %s", what)
}

func checkClean(t testing.TB, l *emulator.Logstore) {
	t.Helper()
	for _, v := range l.Violations() {
		t.Error(v)
	}
}
