package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// replayMuleaudit delivers entries that were rejected, and says what to do about
// those that stay.
type replayMuleaudit struct{}

// Run implements the command.
func (replayMuleaudit) Run(ctx context.Context, c *cli) error {
	f, err := open(ctx, c, muleaudit.Open)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	watched, stop := c.watch(ctx, "replay", "objects")
	done, err := f.Replay(watched)
	stop()
	a := newReplayAnswer(c.function.name)
	a.Objects, a.Delivered, a.Rejected, a.Why = done.Objects, done.Delivered, done.Rejected, append(a.Why, done.Why...)
	return a.ended(c, errors.Join(err, adviseMuleaudit(ctx, quarantine.New(kept.rejected, "muleaudit"), a)))
}

// tooLong is the code of entries that a higher limit lets through.
const tooLong = "record_too_long"

// adviseMuleaudit says of what is pending what to do about it. That anything is,
// is a finding.
func adviseMuleaudit(ctx context.Context, q *quarantine.Store, a *replayAnswer) error {
	codes := map[string]int64{}
	for name, err := range q.Names(ctx, time.Time{}, time.Time{}) {
		if err != nil {
			return err
		}
		for r, err := range q.Read(ctx, name) {
			if err != nil {
				return err
			}
			codes[r.Code]++
			a.Left++
		}
	}
	say := func(format string, args ...any) { a.Why = append(a.Why, fmt.Sprintf(format, args...)) }
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		if code == tooLong {
			say("%s entries stay that were too long. Set MAX_RECORD_BYTES to more than the longest, here and where the function is deployed, and replay them. Those that are to be given up are accepted as lost:", count(codes[code]))
		} else {
			say("%s entries are no events (%s), and a replay does not make them any. Look at them (siemfeed quarantine ls muleaudit --code %s), and once it is known why the API sent them, accept them:", count(codes[code]), code, code)
		}
		say("  siemfeed quarantine accept muleaudit --code %s", code)
	}
	if a.line = "nothing is pending"; a.Delivered > 0 || a.Left > 0 {
		a.line = fmt.Sprintf("%s entries delivered, %s pending", count(a.Delivered), count(a.Left))
	}
	return nil
}
