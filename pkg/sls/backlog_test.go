package sls_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// stuck is a network in which checkpoints get no answer until it is mended.
type stuck struct {
	next   http.RoundTripper
	mended chan struct{}
}

func (s *stuck) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("type") == "checkpoint" {
		select {
		case <-s.mended:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return s.next.RoundTrip(r)
}

// Where no checkpoint is saved, or what comes before one hangs, delivery stops
// when so much is unsaved, or when a checkpoint is due for so long; mended, all
// goes on and nothing comes twice.
func TestUnsavedIsBounded(t *testing.T) {
	const groups = 150
	for _, tc := range []struct {
		name     string
		hang     bool // in the announcement instead of the service
		most     int64
		mostTime time.Duration
		slow     time.Duration // of the sink
	}{
		{"bytes", false, 20_000, time.Hour, 0},
		{"bytes, announcing", true, 20_000, time.Hour, 0},
		{"time", false, 1 << 40, 50 * time.Millisecond, 10 * time.Millisecond},
		{"time, announcing", true, 1 << 40, 50 * time.Millisecond, 10 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, emulator.Options{Shards: 4})
			l, gen := s.Logstore(), emulator.NewGenerator(1)
			begin, o := drain(), quick()
			begin.Timeout, o.Timeout = time.Minute, time.Minute // nobody else wants the shards
			o.Heartbeat = 300 * time.Millisecond                // which is also the time that one has to get through
			mustRun(t, newWorker(t, newClient(t, s, sls.Options{}), "c", newSink(t, 0), begin))
			n := fill(l, gen, groups, 1)
			mended := make(chan struct{})
			tr := &http.Transport{}
			t.Cleanup(tr.CloseIdleConnections)
			o.MaxUnsaved, o.MaxUnsavedFor, o.Count = tc.most, tc.mostTime, 1
			network := &stuck{tr, mended}
			if tc.hang {
				network.mended = make(chan struct{})
				close(network.mended)
				o.Announce = func(ctx context.Context, _ sls.Stretch) error {
					select {
					case <-mended:
					case <-ctx.Done():
					}
					return ctx.Err()
				}
			}
			k := newSink(t, 0)
			p := sls.ProcessorFunc(func(ctx context.Context, p *sls.Page, done sls.Done) error {
				time.Sleep(tc.slow)
				return k.Process(ctx, p, done)
			})
			w := newWorker(t, newClient(t, s, sls.Options{Transport: network}), "c", p, o)
			follow(t, w)
			settled, same := -1, 0
			eventually(t, "delivery to stop", func() bool {
				time.Sleep(20 * time.Millisecond)
				if now := k.count(); now != settled {
					settled, same = now, 0
				}
				same++
				return settled > 0 && same > 10
			})
			if settled >= n/2 {
				t.Errorf("%d of %d logs were delivered without a checkpoint", settled, n)
			}
			sync.OnceFunc(func() { close(mended) })()
			eventually(t, "all logs", func() bool { return k.count() == n })
			k.want(n, false)
			checkClean(t, l)
		})
	}
}

// What a sink leaves is read by the next run, and is no failure.
func TestLeftPage(t *testing.T) {
	s := startServer(t, emulator.Options{Shards: 1})
	l, gen := s.Logstore(), emulator.NewGenerator(1)
	first, _ := l.Range(0)
	n := fill(l, gen, 20, 1)
	k := newSink(t, 0)
	k.guard(l, begins(l))
	k.refuse = func(p *sls.Page) error {
		if at, _ := sls.CursorNumber(p.Cursor); at >= first+8 {
			return sls.ErrLeft
		}
		return nil
	}
	c := newClient(t, s, sls.Options{})
	if r := mustRun(t, newWorker(t, c, "c", k, drain())); r.Complete() || l.Checkpoint("group", 0) != sls.FormatCursor(first+8) {
		t.Errorf("%+v", r)
	}
	k.refuse = nil
	if r := mustRun(t, newWorker(t, c, "c", k, drain())); !r.Complete() {
		t.Errorf("%+v", r)
	}
	k.want(n, false)
	checkClean(t, l)
}
