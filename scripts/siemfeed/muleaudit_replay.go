package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// replayMuleaudit says how entries are delivered that were rejected: the API has
// them still, and exports them like any others that were not exported yet.
type replayMuleaudit struct{}

// Run implements the command.
func (replayMuleaudit) Run(ctx context.Context, c *cli) error {
	kept, err := openState(ctx)
	if err != nil {
		return err
	}
	defer kept.close()
	a, err := adviseMuleaudit(ctx, quarantine.New(kept.rejected, "muleaudit"))
	if err != nil {
		return err
	}
	return c.show(a)
}

// tooLong is the code of entries that a higher limit lets through.
const tooLong = "record_too_long"

// window is time that a rejected entry was read in.
type window struct{ From, To time.Time }

// adviseMuleaudit says, by what was rejected, what to do. That anything is
// pending is a finding.
func adviseMuleaudit(ctx context.Context, q *quarantine.Store) (*replayAnswer, error) {
	a := newReplayAnswer("muleaudit")
	codes, windows := map[string]int64{}, map[window]bool{}
	var damaged []string
	for name, err := range q.Names(ctx, time.Time{}, time.Time{}) {
		if err != nil {
			return nil, err
		}
		for r, err := range q.Read(ctx, name) {
			if quarantine.IsDamaged(err) {
				a.Left++
				damaged = append(damaged, fmt.Sprintf("%v. Look at it, and accept it: siemfeed quarantine accept muleaudit --object %s", err, name))
				break
			}
			if err != nil {
				return nil, err
			}
			codes[r.Code]++
			a.Left++
			var at window
			if err := json.Unmarshal(r.Source, &at); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if r.Code == tooLong {
				windows[at] = true
			}
		}
	}
	if a.Left == 0 {
		a.line = "nothing is pending"
		return a, nil
	}
	say := func(format string, args ...any) { a.Why = append(a.Why, fmt.Sprintf(format, args...)) }
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		if code == tooLong {
			say("%s entries were too long. Set MAX_RECORD_BYTES to more than the longest, here and where the function is deployed, and export their time again, in which each goes out once:", count(codes[code]))
			for _, at := range joined(windows) {
				say("  siemfeed backfill muleaudit --from %s --to %s", at.From.Format(time.RFC3339Nano), at.To.Format(time.RFC3339Nano))
			}
			say("Once they are out, they are seen to:")
		} else {
			say("%s entries are no events (%s), and a replay would not make them any. Look at them (siemfeed quarantine ls muleaudit --code %s), and once it is known why the API sent them, accept them:", count(codes[code]), code, code)
		}
		say("  siemfeed quarantine accept muleaudit --code %s", code)
	}
	a.Why = append(a.Why, damaged...)
	a.line = fmt.Sprintf("%s entries are pending", count(a.Left))
	return a, nil
}

// joined returns windows in order, those that meet as one.
func joined(windows map[window]bool) (out []window) {
	for _, at := range slices.SortedFunc(maps.Keys(windows), func(a, b window) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To))
	}) {
		if n := len(out); n > 0 && !at.From.After(out[n-1].To) {
			if at.To.After(out[n-1].To) {
				out[n-1].To = at.To
			}
			continue
		}
		out = append(out, at)
	}
	return out
}
