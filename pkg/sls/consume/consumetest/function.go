package consumetest

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/fault"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
	"github.com/siemfeed/siemfeed/pkg/sls/consume"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Function is a function under test; a [consume.Consumer] is one, with whatever
// sink.
type Function interface {
	Run(ctx context.Context, ev trigger.Event) (receipt.Receipt, error)
	Follow(ctx context.Context, note func(receipt.Receipt)) error
	Verify(ctx context.Context, from, to time.Time) ([]consume.Verified, error)
}

// CursorNumber reads a cursor; 0 stands for none.
func CursorNumber(t testing.TB, cursor string) int64 {
	t.Helper()
	if cursor == "" {
		return 0
	}
	n, ok := sls.CursorNumber(cursor)
	if !ok {
		t.Fatalf("cursor %q", cursor)
	}
	return n
}

// Run runs f on a tick, and checks that its receipt adds up.
func (w *World) Run(f Function) (receipt.Receipt, error) {
	return w.RunOn(f, trigger.Event{Kind: trigger.Tick})
}

// RunOn is Run on an event.
func (w *World) RunOn(f Function, ev trigger.Event) (receipt.Receipt, error) {
	w.T.Helper()
	r, err := f.Run(context.Background(), ev)
	if r != nil {
		if err := r.Balance(); err != nil {
			w.T.Error(err)
		}
	}
	return r, err
}

// Following has f follow until the returned function is called, which returns
// how that ended.
func (w *World) Following(f Function) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Follow(ctx, nil) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	w.T.Cleanup(func() { _ = stop() })
	return stop
}

// Chaos is a time in which everything goes wrong that can.
type Chaos struct {
	Seed uint64
	// Repeats allows faults after which a log may arrive twice.
	Repeats bool
	// Drains drains again and again, while Follows follows under another name, so
	// that it takes shards away and gives them back.
	Drains, Follows Function
	// Meanwhile, if set, makes trouble for the sink, in steps from 0.
	Meanwhile func(step int)
	// Heal, if set, ends that.
	Heal func()
}

// Chaos fills the logstore and splits a shard of it, while its requests fail
// now and then. Then all of that ends, and it drains until everything is done.
func (w *World) Chaos(c Chaos) {
	w.T.Helper()
	rng := rand.New(rand.NewPCG(c.Seed, 17)) //nolint:gosec // a test
	if c.Repeats {                           // now and then a shard's checkpoint is refused although it stays assigned
		refuse := rand.New(rand.NewPCG(c.Seed, 9)) //nolint:gosec // likewise
		w.Store.RefuseCheckpoints(func(emulator.CheckpointEvent) bool { return refuse.IntN(15) == 0 })
	}
	gen := emulator.NewGenerator(c.Seed)
	w.Fill(gen, 12, 12)
	w.SLS.Faults.Random(c.Seed, map[fault.Kind]float64{
		fault.Error500: 0.03, fault.Error503: 0.02, fault.Error403: 0.005, fault.ResetBefore: 0.02, fault.ResetAfter: 0.01, fault.ResetMid: 0.02, fault.Truncate: 0.02,
	})

	var wg sync.WaitGroup
	wg.Go(func() {
		for range 3 {
			_, _ = w.Run(c.Drains) // may fail, and often has to leave shards to the other
		}
	})
	stop := w.Following(c.Follows) // faults may end it
	for i := range 4 {
		time.Sleep(time.Duration(rng.IntN(80)) * time.Millisecond)
		w.Fill(gen, 4, 12)
		if c.Meanwhile != nil {
			c.Meanwhile(i)
		}
		if i == 1 {
			if _, _, err := w.Store.Split(0); err != nil {
				w.T.Error(err)
			}
		}
	}
	_ = stop()
	wg.Wait()

	w.SLS.Faults.Random(0, nil)
	w.Store.RefuseCheckpoints(nil)
	if c.Heal != nil {
		c.Heal()
	}
	w.finish(c.Drains)
	w.WantCheckpoints(Group)
	w.WantProof(c.Drains)
}

// finish drains until all is done.
func (w *World) finish(f Function) {
	w.T.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		w.Store.TimeOut(Group) // others hold shards yet, and a late heartbeat may take some back
		r, err := w.Run(f)
		if err != nil {
			w.T.Fatal(err)
		}
		if r.Base().Status == receipt.OK {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.T.Fatal("the drains come to no end")
}
