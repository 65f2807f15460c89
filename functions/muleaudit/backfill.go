package muleaudit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// backfillStep is what one run of a backfill takes on: a day, so that an
// interruption costs no more than that to look at again.
const backfillStep = day

// Backfill exports [from, to) in runs of a day each, and remembers after each
// how far it has come: called again with the same bounds, it goes on from
// there. step hears of every run's receipt and of the time it has reached.
func (f *Function) Backfill(ctx context.Context, from, to time.Time, step func(r *Receipt, reached time.Time)) error {
	from, to = from.UTC(), to.UTC()
	if !from.Before(to) {
		return fmt.Errorf("from %s is not before to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	mark := root + "backfill/" + from.Format(stamp) + "-" + to.Format(stamp)
	var progress struct{ Reached time.Time }
	if err := f.state.ReadJSON(ctx, mark, &progress); err != nil && !bucket.IsNotFound(err) {
		return err
	}
	reached := latest(from, progress.Reached)
	for reached.Before(to) {
		next := earliest(reached.Add(backfillStep).Truncate(backfillStep), to)
		r, err := f.backfillRun(ctx, reached, next)
		if err != nil {
			return err
		}
		if r.Status == receipt.Partial {
			// The run met RUN_TIMEOUT; what it did counts, so it is asked again.
			step(r, reached)
			continue
		}
		reached, progress.Reached = next, next
		if err := f.state.PutJSON(ctx, mark, progress); err != nil {
			return err
		}
		step(r, reached)
	}
	return nil
}

func (f *Function) backfillRun(ctx context.Context, from, to time.Time) (*Receipt, error) {
	data, err := json.Marshal(map[string]time.Time{"from": from, "to": to})
	if err != nil {
		return nil, err
	}
	r, err := f.Run(ctx, trigger.Event{Kind: trigger.PubSub, Path: "backfill", Data: data})
	if err != nil {
		return nil, err
	}
	rec, ok := r.(*Receipt)
	if !ok {
		return nil, errors.New("no receipt")
	}
	return rec, ctx.Err()
}
