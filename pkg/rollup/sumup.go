package rollup

import (
	"context"
	"errors"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// sumUpDays is how many days before today are summed up: who does it daily may
// miss some.
const sumUpDays = 7

// SumUp keeps roll-ups of the last days of function that are over and have none,
// so that a report over them costs two requests for each. It begins with
// yesterday: what is interrupted goes on from there. What is in the way of
// keeping them is an error. Those of days whose receipts are gone it removes.
func SumUp(ctx context.Context, state *bucket.Bucket, function string, pruned time.Time) error {
	today := dateOf(time.Now())
	progress.Expect(ctx, sumUpDays)
	done := 0
	got, err := Read(ctx, state, function, Span{
		From: today.Add(-sumUpDays * day), To: today.Add(-day), Step: 1, Pruned: pruned, toKeep: true,
		Progress: func(p Progress) {
			progress.Add(ctx, int64(p.Days-done))
			done = p.Days
		},
	})
	if err := errors.Join(err, got.NotKept); err != nil {
		return err
	}
	return removeBefore(ctx, state, function)
}

// removeBefore removes the roll-ups of days before that of the oldest receipt: a
// store that removes receipts by their age need not know of them.
func removeBefore(ctx context.Context, state *bucket.Bucket, function string) error {
	oldest, err := receipt.Oldest(ctx, state, function)
	if err != nil || oldest.IsZero() {
		return err
	}
	for folder, err := range state.DaysBefore(ctx, Folder(function), oldest) {
		if err != nil {
			return err
		}
		for o, err := range state.Objects(ctx, folder) {
			if err == nil {
				err = state.Remove(ctx, o.Key)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
