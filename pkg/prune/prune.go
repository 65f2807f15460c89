// Package prune removes from STATE_URL and QUARANTINE_URL what grows with the
// age of a deployment, once it is older than an operator wants to keep proof.
//
// Only what a function names is removed, and of that nothing which a run still
// needs: everything else stays. First of all it is noted up to when proof is
// gone, so that a verification does not take what was removed for missing.
package prune

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/rollup"
)

// Pruner is a function that can be pruned.
type Pruner interface {
	Prune(ctx context.Context, o Options) (Report, error)
}

// Options say what to remove.
type Options struct {
	// Keep is how long proof is kept: what is older goes.
	Keep time.Duration
	// DryRun counts what would be removed.
	DryRun bool
}

// Least is the shortest time that proof is kept: a verification looks back as
// long, and nothing that a run may have under way is older.
const Least = 7 * 24 * time.Hour

// Report is what was removed, or would be.
type Report struct {
	// Before is the time before which proof is gone.
	Before time.Time `json:"before"`
	Lines  []Line    `json:"lines"`
}

// Line is about one kind of thing.
type Line struct {
	What    string `json:"what"`
	Objects int64  `json:"objects"`
	Bytes   int64  `json:"bytes"`
	// Kept counts what is as old and stays, Why says why; empty if there is none.
	Kept int64  `json:"kept,omitempty"`
	Why  string `json:"why,omitempty"`
}

// Task is a removal under way.
type Task struct {
	o      Options
	report Report

	mu sync.Mutex
}

// removers is how many objects are removed side by side.
const removers = 64

// Begin begins to prune what function keeps in state, and notes it there.
func Begin(ctx context.Context, state *bucket.Bucket, function string, o Options) (*Task, error) {
	if o.Keep < Least {
		return nil, retry.Permanent(fmt.Errorf("to keep %v is too short: keep %v or more, which verifications look back", o.Keep, Least))
	}
	t := &Task{o: o, report: Report{Before: time.Now().UTC().Add(-o.Keep).Truncate(24 * time.Hour)}}
	if o.DryRun {
		return t, nil
	}
	marks := marksOf(state, function)
	n := uint64(t.Before().UnixMilli()) //nolint:gosec // a time since 1970
	if err := marks.Append(ctx, n, struct{}{}); err != nil && !errors.Is(err, bucket.ErrExists) {
		return nil, err
	}
	return t, marks.Trim(ctx, n)
}

func marksOf(state *bucket.Bucket, function string) bucket.Series {
	return state.Series(function+"/pruned/", bucket.Times("20060102T150405.000Z"))
}

// Until returns the time before which the proof of function is gone, zero if it
// was never pruned.
func Until(ctx context.Context, state *bucket.Bucket, function string) (time.Time, error) {
	ms, err := marksOf(state, function).Latest(ctx, nil)
	if err != nil || ms == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(int64(ms)).UTC(), nil //nolint:gosec // a time since 1970
}

// Before is the time before which proof goes, at the start of a day.
func (t *Task) Before() time.Time { return t.report.Before }

// DryRun tells whether nothing is to be removed.
func (t *Task) DryRun() bool { return t.o.DryRun }

// Report is what was done so far.
func (t *Task) Report() Report { return t.report }

// Days removes what lies in folder by day, folder/YYYY/MM/DD/…: by the day a run
// began, so that a day more is kept.
func (t *Task) Days(ctx context.Context, b *bucket.Bucket, what, folder string) error {
	return t.Objects(ctx, b, what, func(yield func(*blob.ListObject, error) bool) {
		for day, err := range b.DaysBefore(ctx, folder, t.Before().AddDate(0, 0, -1)) {
			if err != nil {
				yield(nil, err)
				return
			}
			for o, err := range b.Objects(ctx, day) {
				if !yield(o, err) || err != nil {
					return
				}
			}
		}
	})
}

// Proof removes what every function keeps in state, and in quarantine.
func (t *Task) Proof(ctx context.Context, state *bucket.Bucket, function string, s *quarantine.Store) error {
	return errors.Join(
		t.Days(ctx, state, "receipts", function+"/receipts/"),
		t.Days(ctx, state, "roll-ups of receipts", rollup.Folder(function)),
		t.Days(ctx, state, "verifications", function+"/verify/"),
		t.Quarantine(ctx, s),
	)
}

// Objects removes the objects of a list, many side by side, while it goes on.
func (t *Task) Objects(ctx context.Context, b *bucket.Bucket, what string, list iter.Seq2[*blob.ListObject, error]) error {
	return each(ctx, t, what, list, func(ctx context.Context, o *blob.ListObject) (quarantine.Forgotten, error) {
		done := quarantine.Forgotten{Objects: 1, Bytes: o.Size}
		if t.o.DryRun {
			return done, nil
		}
		return done, b.Remove(ctx, o.Key)
	})
}

// Quarantine removes what was replayed or accepted. What is pending stays: it is
// found by every verification until it is seen to.
func (t *Task) Quarantine(ctx context.Context, s *quarantine.Store) error {
	const what = "quarantine that was seen to"
	err := each(ctx, t, what, s.Marks(ctx, t.Before()), func(ctx context.Context, mark string) (quarantine.Forgotten, error) {
		return s.Forget(ctx, mark, t.o.DryRun)
	})
	if err != nil {
		return err
	}
	var pending int64
	for _, err := range s.Names(ctx, time.Time{}, t.Before().AddDate(0, 0, -1)) {
		if err != nil {
			return err
		}
		pending++
	}
	t.Keep(what, pending, "pending: replay it, or accept that it is lost")
	return nil
}

// Keep notes that n things of a kind stay, though they are older.
func (t *Task) Keep(what string, n int64, why string) {
	if n == 0 {
		return
	}
	l := t.line(what)
	l.Kept, l.Why = n, why
}

func (t *Task) line(what string) *Line {
	for i := range t.report.Lines {
		if t.report.Lines[i].What == what {
			return &t.report.Lines[i]
		}
	}
	t.report.Lines = append(t.report.Lines, Line{What: what})
	return &t.report.Lines[len(t.report.Lines)-1]
}

// each removes what a list names. It holds no more of the list than is under way.
func each[T any](ctx context.Context, t *Task, what string, list iter.Seq2[T, error], remove func(context.Context, T) (quarantine.Forgotten, error)) error {
	line := t.line(what)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(removers)
	for item, err := range list {
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		if gctx.Err() != nil {
			break // g.Wait says why
		}
		g.Go(func() error {
			done, err := remove(gctx, item)
			if err != nil {
				return err
			}
			t.mu.Lock()
			line.Objects += done.Objects
			line.Bytes += done.Bytes
			t.mu.Unlock()
			progress.Add(ctx, done.Objects)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err() // which may be all that ended the list
}
