package muleaudit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// backfillStep is what one run of a backfill takes on: a day, so that an
// interruption costs no more than that to look at again.
const backfillStep = day

// Backfill exports [from, to) of the organisations orgs, or of all, in runs of a
// day each, and remembers after each how far it has come: called again for the
// same, it goes on from there. One that was ended is forgotten: asked for again, it
// looks for what has arrived since, or can be delivered now. step hears of every
// run's receipt and of the time it has reached.
func (f *Function) Backfill(ctx context.Context, from, to time.Time, orgs []string, step func(r *Receipt, reached time.Time)) error {
	from, to = from.UTC(), to.UTC()
	if !from.Before(to) {
		return fmt.Errorf("from %s is not before to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	among, err := f.organisations(ctx, request{Orgs: orgs})
	if err != nil {
		return err
	}
	mark := backfillMark(from, to, orgs)
	var kept struct{ Reached time.Time }
	if err := f.state.ReadJSON(ctx, mark, &kept); err != nil && !bucket.IsNotFound(err) {
		return err
	}
	reached := latest(from, kept.Reached)
	if !reached.Before(to) { // as an earlier release left it when it had ended
		reached = from
	}
	progress.Expect(ctx, int64(len(among))*f.slicesIn(to.Sub(from)))
	progress.Pass(ctx, int64(len(among))*f.slicesIn(reached.Sub(from)))
	for reached.Before(to) {
		next := earliest(reached.Add(backfillStep).Truncate(backfillStep), to)
		r, err := f.backfillRun(ctx, request{reached, next, orgs})
		if err != nil {
			return err
		}
		if r.Status == receipt.Partial {
			// The run met RUN_TIMEOUT; what it did counts, so it is asked again.
			step(r, reached)
			continue
		}
		reached, kept.Reached = next, next
		if reached.Before(to) {
			err = f.state.PutJSON(ctx, mark, kept)
		} else {
			err = f.state.Remove(ctx, mark)
		}
		if err != nil {
			return err
		}
		step(r, reached)
	}
	return nil
}

// backfillMark is where it is kept how far a backfill has come.
func backfillMark(from, to time.Time, orgs []string) string {
	mark := root + "backfill/" + from.Format(stamp) + "-" + to.Format(stamp)
	if len(orgs) > 0 {
		sum := sha256.Sum256([]byte(strings.Join(slices.Compact(slices.Sorted(slices.Values(orgs))), ",")))
		mark += "-" + hex.EncodeToString(sum[:8])
	}
	return mark
}

func (f *Function) backfillRun(ctx context.Context, asked request) (*Receipt, error) {
	data, err := json.Marshal(asked)
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
