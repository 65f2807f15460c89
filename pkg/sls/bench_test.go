package sls_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

func loopServer(t testing.TB, shards int, times int64) *emulator.Server {
	s := startServer(t, emulator.Options{Shards: shards})
	gen := emulator.NewGenerator(1)
	var groups [][]byte
	for range 40 {
		groups = append(groups, gen.Group(50))
	}
	ids, _ := s.Logstore().ShardIDs()
	s.Logstore().Loop(times, groups, ids...)
	return s
}

// walkAll reads every log and keeps nothing.
func walkAll(_ context.Context, p *sls.Page, done sls.Done) error {
	var g sls.Group
	var l sls.Log
	groups := p.Groups()
	for groups.Next(&g) {
		logs := g.Reader()
		for logs.Next(&l) {
		}
		if logs.Err() != nil {
			return logs.Err()
		}
	}
	done(nil, groups.Err())
	return nil
}

// BenchmarkRead pulls, decompresses and walks one shard; the emulator's share
// of the time is in it.
func BenchmarkRead(b *testing.B) {
	s := loopServer(b, 1, int64(b.N))
	c := newClient(b, s, sls.Options{})
	first, end := s.Logstore().Range(0)
	b.ReportAllocs()
	b.ResetTimer()
	st, err := c.ReadRange(context.Background(), sls.Range{From: sls.FormatCursor(first), To: sls.FormatCursor(end)}, sls.ProcessorFunc(walkAll))
	if err != nil || !st.Finished {
		b.Fatal(st, err)
	}
	b.SetBytes(st.RawBytes / int64(b.N))
}

// However many shards wait to be read, no more than Memory is held at once.
func TestMemoryIsFlat(t *testing.T) {
	const budget = 16 << 20
	s := loopServer(t, 64, 3)
	c := newClient(t, s, sls.Options{Memory: budget})
	runtime.GC()
	var before, now runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	stop := make(chan struct{})
	sampled := make(chan struct{})
	go func() {
		defer close(sampled)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				runtime.ReadMemStats(&now)
				peak.Store(max(peak.Load(), now.HeapInuse))
			}
		}
	}()
	o := drain()
	o.Count, o.Timeout = 0, time.Minute // no shard is lost because the machine is busy
	var slow sync.WaitGroup             // a sink that would hold everything, were it given it
	p := sls.ProcessorFunc(func(ctx context.Context, p *sls.Page, done sls.Done) error {
		slow.Go(func() {
			time.Sleep(30 * time.Millisecond)
			if err := walkAll(ctx, p, done); err != nil {
				done(nil, err)
			}
		})
		return nil
	})
	r, err := newWorker(t, c, "c", p, o).Run(t.Context())
	slow.Wait()
	close(stop)
	<-sampled
	if err != nil || !r.Complete() {
		t.Fatal(err)
	}
	var raw int64
	for _, sh := range r.Shards {
		raw += sh.RawBytes
	}
	// The rest is what requests and answers take on both sides, and garbage
	// until it is collected.
	grown := int64(peak.Load()) - int64(before.HeapInuse) //nolint:gosec // sizes
	t.Logf("%d MiB read, heap grew by %d MiB", raw>>20, grown>>20)
	if raw < 150<<20 || grown > 4*budget {
		t.Errorf("%d MiB read, heap grew by %d MiB", raw>>20, grown>>20)
	}
}
