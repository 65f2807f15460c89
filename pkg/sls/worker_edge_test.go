package sls_test

import (
	"context"
	"sync"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// A shard whose retention is over is nothing to wait for when it was read to
// its end, and a loss when it was not.
func TestShardThatIsGone(t *testing.T) {
	for _, oldest := range []bool{false, true} {
		s := startServer(t, emulator.Options{Shards: 2})
		l, gen := s.Logstore(), emulator.NewGenerator(1)
		fill(l, gen, 20, 1)
		k := newSink(t, 0)
		var once sync.Once
		p := sls.ProcessorFunc(func(ctx context.Context, p *sls.Page, done sls.Done) error {
			if p.Shard == 1 {
				once.Do(func() { l.RemoveShard(1) })
			}
			return k.Process(ctx, p, done)
		})
		o := drain()
		o.OldestOnExpired = oldest
		o.Count = 1
		o.Commit = time.Hour // not before the shard is gone
		r, err := newWorker(t, newClient(t, s, sls.Options{}), "c", p, o).Run(t.Context())
		switch {
		case !oldest && !sls.IsCode(err, sls.CodeShardNotExist):
			t.Errorf("got %v", err)
		case oldest && err == nil && (len(r.Gaps) != 1 || r.Gaps[0].Groups != -1):
			t.Errorf("gaps %v", r.Gaps)
		}
	}
}

func TestDrainUntilAndQuery(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	l.AppendAt(time.Now().Add(-2*time.Hour), 0, gen.Group(3))
	l.AppendAt(time.Now(), 0, gen.Group(3))
	k := newSink(t, 0)
	o := drain()
	o.Until = time.Now().Add(-time.Hour)
	o.Query = "* | where seq != '1'"
	if r := mustRun(t, newWorker(t, newClient(t, s, sls.Options{}), "c", k, o)); !r.Complete() {
		t.Errorf("%+v", r)
	}
	if k.count() != 2 || k.values["1"] != 0 {
		t.Errorf("got %v", k.values)
	}
}

// A drain does not wait for shards that another member holds, and names them.
func TestDrainBesideAnother(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 4})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	n := fill(l, gen, 3, 1)
	c := newClient(t, s, sls.Options{})
	k := newSink(t, 0)
	hold := sls.ProcessorFunc(func(ctx context.Context, _ *sls.Page, _ sls.Done) error { <-ctx.Done(); return context.Cause(ctx) })
	o := quick()
	o.Grace = time.Millisecond
	stop := follow(t, newWorker(t, c, "other", hold, o))
	eventually(t, "the other to hold all", func() bool { return len(l.Owners("group")) == 4 })
	r := mustRun(t, newWorker(t, c, "c", k, drain()))
	if r.Complete() || len(r.Unassigned) != 4 {
		t.Errorf("%+v", r)
	}
	_, _ = stop()
	l.Evict("group", "other")
	if r := mustRun(t, newWorker(t, c, "c", k, drain())); !r.Complete() {
		t.Errorf("%+v", r)
	}
	k.want(n, false)
}

func TestStatusWhileFollowing(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 2})
	l := s.Logstore()
	n := fill(l, emulator.NewGenerator(1), 5, 1)
	k := newSink(t, 0)
	w := newWorker(t, newClient(t, s, sls.Options{}), "c", k, quick())
	stop := follow(t, w)
	eventually(t, "status to say that all was read and saved", func() bool {
		st := w.Status()
		if len(st) != 2 {
			return false
		}
		for _, sh := range st {
			_, end := l.Range(sh.Shard)
			if !sh.CaughtUp || sh.Groups != 5 || sh.Received.IsZero() || sh.Checkpoint != sls.FormatCursor(end) {
				return false
			}
		}
		return true
	})
	if _, err := stop(); err != nil {
		t.Fatal(err)
	}
	if len(w.Status()) != 0 {
		t.Error("holds shards after its end")
	}
	k.want(n, false)
}

// A group that is deleted under a worker took its checkpoints along: the run
// ends and says so.
func TestGroupDeleted(t *testing.T) {
	s := startServer(t, emulator.Options{})
	c := newClient(t, s, sls.Options{})
	w := newWorker(t, c, "c", newSink(t, 0), quick())
	done := make(chan error, 1)
	go func() { _, err := w.Run(context.WithoutCancel(t.Context())); done <- err }()
	eventually(t, "shards", func() bool { return len(w.Status()) == 2 })
	if err := c.DeleteGroup(t.Context(), "group"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !sls.IsCode(err, sls.CodeGroupNotExist) {
		t.Errorf("got %v", err)
	}
}
