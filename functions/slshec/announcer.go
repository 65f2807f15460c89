package slshec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/sls"
)

// announcer keeps the receipt of a run ahead of its checkpoints: one moves only
// when a receipt in STATE_URL says what lies before it. A run killed at any
// moment then leaves no stretch that is passed and not accounted for.
type announcer struct {
	f      *Function
	ledger *ledger

	mu   sync.Mutex // held while the receipt is written
	r    *Receipt   // nil when the run is over
	kept int        // number of the last announcement in the kept receipt
}

// company is how long an announcement waits for those of other shards, which
// come at the same time: stores do not take one object many times a second
// (Cloud Storage: once), and bill each.
const company = 20 * time.Millisecond

// announce keeps a receipt that covers checkpoint, where s was read up to
// s.Checkpoint before. Shards that announce at the same time share one.
func (a *announcer) announce(ctx context.Context, s sls.ShardStatus, checkpoint string, last bool) error {
	number := a.ledger.announce(s, checkpoint)
	if number == 0 {
		return nil
	}
	if !last {
		if err := retry.Sleep(ctx, company); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept >= number {
		return nil
	}
	if a.r == nil {
		return errors.New("the run is over")
	}
	r := *a.r
	r.Shards, r.Announced = slices.Clone(r.Shards), slices.Clone(r.Announced)
	sheet, news := a.ledger.look()
	r.add(sheet)
	r.Status, r.FinishedAt = receipt.Running, time.Now().UTC()
	if err := receipt.Save(ctx, a.f.state, &r); err != nil {
		return fmt.Errorf("STATE_URL: a checkpoint moves only after the receipt that accounts for it: %w", err)
	}
	a.kept = news
	return nil
}

// gap enters logs that are gone, which is before a checkpoint passes them: that
// one's announcement then keeps it.
func (a *announcer) gap(g sls.Gap) {
	a.f.rt.Log.Warn("logs were gone before they were read", "shard", g.Shard, "gap", g.String())
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.r != nil {
		a.r.Gaps = append(a.r.Gaps, g.String())
	}
}

// turn has the receipt closed by f, while nobody writes it, and goes on with the
// one that f returns; nil ends the run.
func (a *announcer) turn(f func(*Receipt) *Receipt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.r = f(a.r)
}
