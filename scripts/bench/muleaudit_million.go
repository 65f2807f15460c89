package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// muleauditMillion compares the function with reading the same pages from the
// API and throwing the entries away. Then it asks for the same again: all is
// known, and what is known has to be read and held too.
func muleauditMillion(span time.Duration) func(context.Context, *table) error {
	const n = 1_000_000
	return func(ctx context.Context, t *table) error {
		w, err := newMuleWorld(emulator.Options{}, nil)
		if err != nil {
			return err
		}
		defer w.close()
		to := time.Now().Add(-3 * time.Hour).Truncate(time.Hour)
		if span > time.Hour {
			to = time.Now().Add(-6 * time.Minute) // settled
		}
		from := to.Add(-span + 10*time.Minute)
		w.api.AddSynthetic("org-1", emulator.Synthetic{Seed: 1, N: n, From: from, To: to})

		floor, err := self(ctx, w.dir, w.env, "muleaudit", "floor")
		if err != nil {
			return err
		}
		defer floor.kill()
		least, err := floor.wait()
		if err != nil {
			return err
		}

		p, err := self(ctx, w.dir, w.env, "muleaudit", "function")
		if err != nil {
			return err
		}
		defer p.kill()
		if err := p.ready(ctx); err != nil {
			return err
		}
		took, err := exported(ctx, p, "", n, 0)
		if err != nil {
			return err
		}
		cpu, err := p.cpu()
		if err != nil {
			return err
		}
		replay, err := backfill(from, to)
		if err != nil {
			return err
		}
		again, err := exported(ctx, p, replay, 0, n)
		if err != nil {
			return err
		}
		used, err := p.stop()
		if err != nil {
			return err
		}

		const thrown = " read and thrown away"
		rate := func(d time.Duration) float64 { return n / d.Seconds() }
		t.add("events/s", fmt.Sprintf("%.0f", rate(took))).
			against(fmt.Sprintf("%.0f", rate(least.Took))+thrown, rate(took)/rate(least.Took))
		t.add("events a CPU second", fmt.Sprintf("%.0f", rate(cpu))).
			against(fmt.Sprintf("%.0f", rate(least.CPU))+thrown, rate(cpu)/rate(least.CPU))
		t.add("events/s, all known already", fmt.Sprintf("%.0f", rate(again))).
			against(fmt.Sprintf("%.0f the first time", rate(took)), rate(again)/rate(took))
		t.add("peak heap, of both", mib(used.PeakHeap)).
			against(mib(least.PeakHeap)+thrown, float64(used.PeakHeap)/float64(least.PeakHeap)).
			want("≤ 64 MiB", used.PeakHeap <= 64<<20)
		t.add("  found in use by a collection", mib(used.PeakLive))
		t.add("  collections", fmt.Sprint(used.Cycles))
		t.add("peak held by the Go runtime", mib(used.PeakGo))
		t.add("peak RSS", mib(used.PeakRSS)).
			against(mib(least.PeakRSS)+thrown, float64(used.PeakRSS)/float64(least.PeakRSS)).
			want("≤ 128 MiB", used.PeakRSS <= 128<<20)
		return nil
	}
}

// exported triggers a run that has to find so many events new, and so many
// known, and returns how long it took.
func exported(ctx context.Context, p *process, event string, out, known int64) (time.Duration, error) {
	var r muleaudit.Receipt
	began := time.Now()
	if err := p.trigger(ctx, event, &r); err != nil {
		return 0, err
	}
	if r.Out != out || r.Filtered != known {
		return 0, fmt.Errorf("%d events new and %d known, want %d and %d", r.Out, r.Filtered, out, known)
	}
	return time.Since(began), nil
}

// backfill is the Pub/Sub message that asks for [from, to).
func backfill(from, to time.Time) (string, error) {
	order, err := json.Marshal(map[string]time.Time{"from": from, "to": to})
	if err != nil {
		return "", err
	}
	push, err := json.Marshal(map[string]any{"subscription": "bench", "message": map[string]any{"data": order}})
	return string(push), err
}
