package slshec

import (
	"sync"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// Checkpoints that are saved at the same time cost one write together, and each
// finds itself in it.
func TestShardsShareAReceipt(t *testing.T) {
	const shards = 32
	state, err := bucket.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	l := newLedger()
	r := &Receipt{Core: receipt.Start("slshec")}
	a := &announcer{f: &Function{state: state}, ledger: l, r: r}
	var mu sync.Mutex
	writes := map[time.Time]bool{}
	var all sync.WaitGroup
	for id := range shards {
		l.assign(id)
		l.begin(id, sls.FormatCursor(1))
		l.settled(id, settledPage{sls.FormatCursor(3), counts{in: 5, out: 5}})
		all.Go(func() {
			if err := a.announce(t.Context(), sls.ShardStatus{Shard: id, Start: sls.FormatCursor(1)}, sls.FormatCursor(3), false); err != nil {
				t.Error(err)
			}
			var kept Receipt
			if err := state.ReadJSON(t.Context(), r.Key(), &kept); err != nil {
				t.Error(err)
			}
			found := false
			for _, s := range kept.Announced {
				found = found || s.Shard == id && s.In == 5 && s.To == sls.FormatCursor(3)
			}
			if !found || kept.Status != receipt.Running || kept.In != 0 {
				t.Errorf("shard %d: %+v", id, kept)
			}
			mu.Lock()
			writes[kept.FinishedAt] = true
			mu.Unlock()
		})
	}
	all.Wait()
	if len(writes) > shards/4 {
		t.Errorf("%d writes for %d shards", len(writes), shards)
	}
	a.turn(func(*Receipt) *Receipt { return nil })
	l.settled(0, settledPage{sls.FormatCursor(4), counts{in: 1, out: 1}})
	if err := a.announce(t.Context(), sls.ShardStatus{Checkpoint: sls.FormatCursor(3)}, sls.FormatCursor(4), true); err == nil {
		t.Error("a checkpoint may move after the last receipt")
	}
}
