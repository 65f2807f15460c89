package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/anypoint"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

const (
	muleBudget  = 700 // requests a minute, of the US control plane
	muleLatency = 300 * time.Millisecond
)

// muleauditBudget counts the requests that reach the API while the function has
// more to fetch than it can, and beside it those of one page after another.
func muleauditBudget(ctx context.Context, t *table) error {
	w, err := newMuleWorld(emulator.Options{RatePerMinute: muleBudget, Latency: muleLatency}, map[string]string{"MULE_RATE_PER_MIN": fmt.Sprint(muleBudget)})
	if err != nil {
		return err
	}
	defer w.close()
	// A page a request: three minutes' worth of the budget.
	w.api.AddSynthetic("org-1", emulator.Synthetic{
		Seed: 1, N: 3 * muleBudget * 200, From: time.Now().Add(-24 * time.Hour), To: time.Now().Add(-6 * time.Minute),
	})
	p, err := self(ctx, w.dir, w.env, "muleaudit", "function")
	if err != nil {
		return err
	}
	defer p.kill()
	if err := p.ready(ctx); err != nil {
		return err
	}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- p.trigger(run, "", new(struct{})) }()
	select {
	case err := <-ended:
		return fmt.Errorf("the run ended before it was measured: %w", err)
	case <-time.After(35 * time.Second):
	}
	m := w.api.Metrics()
	cancel()
	p.kill()
	used := busyRate(m.Arrivals) / muleBudget

	loop, err := muleauditLoop(ctx)
	if err != nil {
		return err
	}
	t.add("budget used", fmt.Sprintf("%.1f %%", 100*used)).
		against(fmt.Sprintf("%.1f %% one page after another", 100*loop), used/loop).
		want("≥ 95 %", used >= 0.95)
	t.add("requests refused for it", fmt.Sprint(m.Throttled)).want("0", m.Throttled == 0)
	return nil
}

// busyRate is how many requests arrive a minute, from two seconds after the
// first on, when connections and token are there.
func busyRate(arrivals []time.Time) float64 {
	first := 0
	for first < len(arrivals) && arrivals[first].Sub(arrivals[0]) < 2*time.Second {
		first++
	}
	if len(arrivals)-first < 2 {
		return 0
	}
	last := len(arrivals) - 1
	return float64(last-first) / arrivals[last].Sub(arrivals[first]).Minutes()
}

// muleauditLoop is the share of the budget that a loop over one cursor uses.
func muleauditLoop(ctx context.Context) (float64, error) {
	w, err := newMuleWorld(emulator.Options{Latency: muleLatency}, nil)
	if err != nil {
		return 0, err
	}
	defer w.close()
	w.api.AddSynthetic("org-1", emulator.Synthetic{Seed: 1, N: 100_000, From: time.Now().Add(-24 * time.Hour), To: time.Now()})
	api := anypoint.New(anypoint.Options{BaseURL: w.api.URL(), ClientID: "client", ClientSecret: "secret", RatePerMinute: 60_000_000})
	defer api.CloseIdle()
	h := &pages{left: 30}
	_, err = api.Entries(ctx, anypoint.Query{Org: "org-1", From: time.Now().Add(-24 * time.Hour), To: time.Now()}, h)
	if err != nil && !errors.Is(err, errEnough) {
		return 0, err
	}
	return busyRate(w.api.Metrics().Arrivals) / muleBudget, nil
}

var errEnough = errors.New("enough pages")

// pages ends a query after so many pages.
type pages struct {
	discard
	left int
}

func (p *pages) PageEnd(bool) error {
	if p.left--; p.left == 0 {
		return errEnough
	}
	return nil
}
