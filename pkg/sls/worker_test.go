package sls_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

func drain() sls.WorkerOptions {
	o := quick()
	o.Drain = true
	return o
}

func mustRun(t *testing.T, w *sls.Worker) sls.Result {
	t.Helper()
	r, err := w.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDrain(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 8})
	l := s.Logstore()
	gen := emulator.NewGenerator(1)
	k := newSink(t, 5*time.Millisecond)
	k.guard(l, begins(l))
	n := fill(l, gen, 10, 5)
	c := newClient(t, s, sls.Options{})
	r := mustRun(t, newWorker(t, c, "c", k, drain()))
	if !r.Complete() || len(r.Shards) != 8 {
		t.Errorf("%+v", r)
	}
	k.want(n, false)
	for _, sh := range r.Shards {
		_, end := l.Range(sh.Shard)
		if got := l.Checkpoint("group", sh.Shard); got != sls.FormatCursor(end) || sh.Checkpoint != got || sh.Behind() != 0 || sh.Groups != 10 {
			t.Errorf("checkpoint %s, %+v", got, sh)
		}
	}
	// The next run takes up only what is new.
	n += fill(l, gen, 3, 5)
	mustRun(t, newWorker(t, c, "c", k, drain()))
	k.want(n, false)
	checkClean(t, l)
}

// Each checkpoint is announced first, the last one as such; one that may not be
// announced is not saved.
func TestAnnouncedBeforeSaved(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 4})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	begin := begins(l)
	var mu sync.Mutex
	announced, last := map[int]string{}, map[int]int{}
	l.OnCheckpoint(func(e emulator.CheckpointEvent) {
		mu.Lock()
		defer mu.Unlock()
		if announced[e.Shard] != e.Cursor && e.Number != begin[e.Shard] {
			t.Errorf("shard %d is at %s, announced was %s", e.Shard, e.Cursor, announced[e.Shard])
		}
	})
	fill(l, gen, 30, 5)
	k := newSink(t, time.Millisecond)
	o := drain()
	groups := map[int]int{} // in announced stretches, as their notes say
	o.Announce = func(_ context.Context, st sls.Stretch) error {
		mu.Lock()
		defer mu.Unlock()
		if st.Status.Checkpoint != announced[st.Shard] || st.Status.Checkpoint != "" && st.From != st.Status.Checkpoint {
			t.Errorf("shard %d: %+v is announced after %s", st.Shard, st, announced[st.Shard])
		}
		n := 0
		for _, note := range st.Notes {
			n += note.(int) //nolint:forcetypeassert // as the sink gives it
		}
		from, _ := sls.CursorNumber(st.From)
		if to, _ := sls.CursorNumber(st.To); to-from != int64(n) {
			t.Errorf("shard %d: a stretch of %d groups bears notes of %d", st.Shard, to-from, n)
		}
		groups[st.Shard] += n
		announced[st.Shard] = st.To
		if st.Last {
			last[st.Shard]++
		}
		return nil
	}
	c := newClient(t, s, sls.Options{})
	mustRun(t, newWorker(t, c, "c", k, o))
	if len(announced) != 4 || len(last) == 0 {
		t.Errorf("announced %v, as the last %v", announced, last)
	}
	for id := range 4 {
		if groups[id] != 30 {
			t.Errorf("shard %d: %d groups in stretches", id, groups[id])
		}
	}
	fill(l, gen, 1, 5)
	o.Announce = func(context.Context, sls.Stretch) error { return errors.New("not today") }
	if _, err := newWorker(t, c, "c", k, o).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "not today") {
		t.Error(err)
	}
	for id, at := range announced {
		if got := l.Checkpoint("group", id); got != at {
			t.Errorf("the checkpoint of shard %d moved to %s", id, got)
		}
	}
	checkClean(t, l)
}

func TestStartPositions(t *testing.T) {
	for _, tc := range []struct {
		start string
		want  int
	}{
		{sls.Begin, 4}, {sls.End, 1}, {time.Now().Add(-30 * time.Minute).Format(time.RFC3339), 2},
	} {
		t.Run(tc.start, func(t *testing.T) {
			s := startServer(t, emulator.Options{Shards: 1})
			l, gen := s.Logstore(), emulator.NewGenerator(1)
			l.AppendAt(time.Now().Add(-2*time.Hour), 0, gen.Group(1), gen.Group(1))
			l.AppendAt(time.Now().Add(-time.Minute), 0, gen.Group(1))
			k := newSink(t, 0)
			o := drain()
			o.Start, o.Beginnings = tc.start, remember(t)
			w := newWorker(t, newClient(t, s, sls.Options{}), "c", k, o)
			mustRun(t, w)
			// What comes between two runs is never passed over, not by "end" either.
			l.Append(0, gen.Group(1))
			mustRun(t, w)
			if got := k.count(); got != tc.want {
				t.Errorf("%d logs, want %d", got, tc.want)
			}
		})
	}
}

// Shards that split under a group that began at "end" are read from their own
// beginning, not from whenever they happen to be assigned.
func TestEndDoesNotSkipChildren(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	k := newSink(t, 0)
	o := drain()
	o.Start, o.Beginnings = sls.End, remember(t)
	w := newWorker(t, newClient(t, s, sls.Options{}), "c", k, o)
	mustRun(t, w)
	l.Append(0, gen.Group(1))
	a, b, err := l.Split(0)
	if err != nil {
		t.Fatal(err)
	}
	l.Append(a, gen.Group(1))
	l.Append(b, gen.Group(1))
	if r := mustRun(t, w); !r.Complete() {
		t.Errorf("%+v", r)
	}
	k.want(3, false)
}

func TestParentsBeforeChildren(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 2})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	k := newSink(t, 3*time.Millisecond)
	k.guard(l, begins(l))
	n := fill(l, gen, 20, 1)
	stop := follow(t, newWorker(t, newClient(t, s, sls.Options{}), "c", k, quick()))
	eventually(t, "first logs", func() bool { return k.count() > 4 })
	a, b, err := l.Split(0)
	if err != nil {
		t.Fatal(err)
	}
	n += fill(l, gen, 5, 1)
	merged, err := l.Merge(b)
	if err != nil {
		t.Fatal(err)
	}
	n += fill(l, gen, 5, 1)
	eventually(t, "all logs", func() bool { return k.count() == n })
	if _, err := stop(); err != nil {
		t.Fatal(err)
	}
	k.want(n, false)
	last := func(shard int) int {
		for i := len(k.order) - 1; i >= 0; i-- {
			if k.order[i] == shard {
				return i
			}
		}
		return -1
	}
	for _, pair := range [][2]int{{0, a}, {0, b}, {b, merged}, {1, merged}} {
		if first := slices.Index(k.order, pair[1]); first < last(pair[0]) {
			t.Errorf("shard %d began before its parent %d was done", pair[1], pair[0])
		}
	}
	checkClean(t, l)
}

// A page that fails ends the run; the checkpoint stays before it, and what
// was confirmed before it is kept.
func TestFailedPage(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	first, _ := l.Range(0)
	k := newSink(t, 3*time.Millisecond)
	k.guard(l, begins(l))
	fill(l, gen, 20, 1)
	boom := errors.New("token is wrong")
	k.refuse = func(p *sls.Page) error {
		if p.Cursor == sls.FormatCursor(first+8) {
			return retry.Permanent(boom)
		}
		return nil
	}
	r, err := newWorker(t, newClient(t, s, sls.Options{}), "c", k, drain()).Run(t.Context())
	if !errors.Is(err, boom) || !retry.IsPermanent(err) || r.Complete() {
		t.Errorf("got %v, %+v", err, r)
	}
	if got := l.Checkpoint("group", 0); got != sls.FormatCursor(first+8) {
		n, _ := sls.CursorNumber(got)
		t.Errorf("checkpoint after %d groups, want 8", n-first)
	}
}

func TestConfigFaultsMoveNoCheckpoint(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	s.Logstore().OnCheckpoint(func(e emulator.CheckpointEvent) { t.Errorf("checkpoint %+v", e) })
	c, err := sls.New(s.URL(), "project", "other", alibaba.Static("ak", "secret", ""), sls.Options{Retry: fast})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	_, err = newWorker(t, c, "c", newSink(t, 0), drain()).Run(t.Context())
	if !sls.IsConfig(err) || !strings.Contains(err.Error(), "logstore") {
		t.Errorf("got %v", err)
	}
}

func TestExpiredCursor(t *testing.T) {
	for _, oldest := range []bool{false, true} {
		t.Run(fmt.Sprint("oldest=", oldest), func(t *testing.T) {
			s := startServer(t, emulator.Options{Shards: 1})
			l, gen := s.Logstore(), emulator.NewGenerator(1)
			k := newSink(t, 0)
			o := drain()
			o.OldestOnExpired = oldest
			w := newWorker(t, newClient(t, s, sls.Options{}), "c", k, o)
			fill(l, gen, 5, 1)
			mustRun(t, w)
			before := l.Checkpoint("group", 0)
			fill(l, gen, 10, 1)
			l.Expire(0, 5+7)
			r, err := w.Run(t.Context())
			if !oldest {
				if !errors.Is(err, sls.ErrExpired) || !strings.Contains(err.Error(), "about 7 LogGroups") || l.Checkpoint("group", 0) != before {
					t.Errorf("got %v, checkpoint %s", err, l.Checkpoint("group", 0))
				}
				return
			}
			if err != nil || len(r.Gaps) != 1 || r.Gaps[0].Groups != 7 || !r.Complete() {
				t.Errorf("%+v %v", r, err)
			}
			if k.count() != 5+3 {
				t.Errorf("%d logs", k.count())
			}
		})
	}
}

// Three members share the shards; they come and go in good order, and nothing
// is delivered twice.
func TestHandover(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 6})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	k := newSink(t, 10*time.Millisecond)
	k.guard(l, begins(l))
	c := newClient(t, s, sls.Options{})
	n := fill(l, gen, 10, 2)
	follow(t, newWorker(t, c, "a", k, quick()))
	eventually(t, "a to hold all", func() bool { return len(l.Owners("group")) == 6 })
	follow(t, newWorker(t, c, "b", k, quick()))
	n += fill(l, gen, 10, 2)
	shares := func(names ...string) func() bool {
		return func() bool {
			count := map[string]int{}
			for _, o := range l.Owners("group") {
				count[o]++
			}
			for _, name := range names {
				if count[name] != 6/len(names) {
					return false
				}
			}
			return true
		}
	}
	eventually(t, "two to share", shares("a", "b"))
	follow(t, newWorker(t, c, "c", k, quick()))
	n += fill(l, gen, 10, 2)
	eventually(t, "three to share", shares("a", "b", "c"))
	n += fill(l, gen, 10, 2)
	eventually(t, "all logs", func() bool { return k.count() == n })
	k.want(n, false)
	checkClean(t, l)
}

// A stop waits for what is under way and saves it.
func TestStopIsClean(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	first, _ := l.Range(0)
	fill(l, gen, 40, 1)
	var mu sync.Mutex
	var answers []sls.Done
	p := sls.ProcessorFunc(func(_ context.Context, _ *sls.Page, answer sls.Done) error {
		mu.Lock()
		defer mu.Unlock()
		answers = append(answers, answer)
		return nil
	})
	w := newWorker(t, newClient(t, s, sls.Options{}), "c", p, quick())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := w.Run(ctx); done <- err }()
	eventually(t, "the most pages under way", func() bool { mu.Lock(); defer mu.Unlock(); return len(answers) == 8 })
	cancel()
	select {
	case err := <-done:
		t.Fatal("did not wait for what is under way", err)
	case <-time.After(50 * time.Millisecond):
	}
	for _, answer := range slices.Backward(answers) {
		answer(nil, nil)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := l.Checkpoint("group", 0); got != sls.FormatCursor(first+8*4) {
		t.Errorf("checkpoint %s", got)
	}
}

func TestStopIsBounded(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	fill(s.Logstore(), emulator.NewGenerator(1), 3, 1)
	started := make(chan struct{}, 10)
	p := sls.ProcessorFunc(func(ctx context.Context, p *sls.Page, done sls.Done) error {
		started <- struct{}{}
		<-ctx.Done() // a sink that never answers
		return context.Cause(ctx)
	})
	o := quick()
	o.Grace = 20 * time.Millisecond
	w := newWorker(t, newClient(t, s, sls.Options{}), "c", p, o)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if _, err := w.Run(ctx); err == nil || !strings.Contains(err.Error(), "not done within") {
		t.Errorf("got %v", err)
	}
}

func TestReadRange(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	first, _ := l.Range(0)
	fill(l, gen, 20, 1)
	k := newSink(t, 2*time.Millisecond)
	c := newClient(t, s, sls.Options{})
	st, err := c.ReadRange(t.Context(), sls.Range{From: sls.FormatCursor(first), To: sls.FormatCursor(first + 10), Count: 3}, k)
	if err != nil || !st.Finished || st.Checkpoint != sls.FormatCursor(first+10) || st.Groups != 10 {
		t.Errorf("%+v %v", st, err)
	}
	k.want(10, false)
}

func TestWorkerOptionsAreChecked(t *testing.T) {
	s := startServer(t, emulator.Options{})
	_, err := sls.NewWorker(newClient(t, s, sls.Options{}), "a/b", "", newSink(t, 0), sls.WorkerOptions{Start: "yesterday", Heartbeat: time.Minute, Timeout: 1500 * time.Millisecond})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"consumer group", "consumer name", "start", "heartbeat", "whole seconds"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name the %s", err, want)
		}
	}
}
