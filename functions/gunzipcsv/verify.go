package gunzipcsv

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/objcsv"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/prune"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
)

// The kinds of finding beside those of package receipt.
const (
	findStale     = "stale"        // the target was made from an older version of its source
	findCollision = "collision"    // the target was made from another source, or by somebody else
	findDead      = "dead_letters" // notices were given up
)

// VerifyOptions say what is verified, and how closely.
type VerifyOptions struct {
	Selection
	// Deep reads every target, and compares its content with what was written.
	Deep bool
}

// Verified is what a verification covered. Those of all the shards of one
// selection add up to that of the whole, see [Verified.Add].
type Verified struct {
	Objects   int64 `json:"objects"`   // in the source
	Converted int64 `json:"converted"` // of these, with the target as it was written, of the same version
	Skipped   int64 `json:"skipped"`   // gzip neither by name nor by bytes
	Gone      int64 `json:"gone"`      // converted objects that the source has no more, with the target as it was written
	Bytes     int64 `json:"bytes"`     // of the converted sources
	// Records counts single records in quarantine, of objects converted.
	Records int64 `json:"records_quarantined"`
	// Accepted counts what was rejected and accepted as lost: no findings.
	Accepted int64 `json:"accepted"`
	// Pruned is the time before which proof was pruned, if what was written
	// before it was selected too: that was not looked at.
	Pruned time.Time `json:"pruned,omitzero"`
	// Unread counts what could not be looked at. Each is a finding too.
	Unread int64 `json:"unread"`
	// Receipts is how far the receipts since the beginning of the selection are
	// vouched for. The first shard looks at them.
	Receipts receipt.Chained `json:"receipts,omitzero"`
	receipt.FindingList
}

// Complete tells whether all was looked at and nothing was found.
func (v *Verified) Complete() bool { return v.Found == 0 && v.Unread == 0 }

// Add adds what another shard's verification covered.
func (v *Verified) Add(o Verified) {
	v.Objects += o.Objects
	v.Converted += o.Converted
	v.Skipped += o.Skipped
	v.Gone += o.Gone
	v.Bytes += o.Bytes
	v.Records += o.Records
	v.Unread += o.Unread
	v.Accepted += o.Accepted
	v.Receipts.Add(o.Receipts)
	if o.Pruned.After(v.Pruned) {
		v.Pruned = o.Pruned
	}
	v.Join(o.FindingList)
}

const (
	// lookers is how many objects are looked at side by side.
	lookers = 16
	// verifyStep is how many targets are held in memory at once, about, where they
	// are looked at one by one: more are in several parts, each of which lists and
	// reads what manifests there are.
	verifyStep = 100_000
)

// Verify compares what lies in source and destination with what manifests and
// quarantine tell: every object selected has its target, made from the version
// that is there now, and every target is as it was written, by the store's size
// and ETag. What cannot be looked at is a finding, and counted.
// An error means that it could not be found out.
//
// What is read of STATE_URL is what was kept since the day before From.
func (f *Function) Verify(ctx context.Context, o VerifyOptions) (Verified, error) {
	v := &verification{
		f: f, o: o, began: time.Now(),
		v:        Verified{FindingList: receipt.NewFindingList()},
		rejected: map[uint64]struct{}{}, unreadable: map[string]bool{},
	}
	err := v.run(ctx)
	return v.v, err
}

// verification is one call of [Function.Verify].
type verification struct {
	f     *Function
	o     VerifyOptions
	began time.Time

	mu         sync.Mutex
	v          Verified
	rejected   map[uint64]struct{} // source keys in quarantine, see markOf
	unreadable map[string]bool     // parts of manifests
	blind      int                 // see maxBlind
}

func (v *verification) run(ctx context.Context) error {
	pruned, err := prune.Until(ctx, v.f.parts.State, "gunzipcsv")
	if err != nil {
		return err
	}
	if v.o.From.Before(pruned) {
		v.o.From, v.v.Pruned = pruned, pruned
	}
	if err := v.receipts(ctx, pruned); err != nil {
		return err
	}
	objects, err := v.f.Count(ctx, v.o.Selection)
	if err != nil {
		return err
	}
	progress.Expect(ctx, objects)
	parts, lines, err := v.f.manifestParts(ctx, v.o.From)
	if err != nil {
		return err
	}
	if err := v.quarantine(ctx); err != nil {
		return err
	}
	if err := v.deadLetters(ctx); err != nil {
		return err
	}
	most := max(objects, lines/int64(max(v.o.Shard.Of, 1)))
	for _, shard := range v.o.Shard.split(inSteps(most, glanceStep)) {
		left := most
		var sound sound
		if !v.o.Deep {
			if sound, left, err = v.glance(ctx, parts, shard); err != nil {
				return err
			}
			if left == 0 {
				continue
			}
		}
		for _, shard := range shard.split(inSteps(left, verifyStep)) {
			if err := v.shard(ctx, parts, shard, sound); err != nil {
				return err
			}
		}
	}
	return nil
}

// inSteps is how many steps of a size n things take, one at least.
func inSteps(n, size int64) int { return int(max(1, (n+size-1)/size)) }

// shard verifies a share of the selection, one by one, but for the targets that
// are known to be sound, and their sources.
func (v *verification) shard(ctx context.Context, parts []string, shard Shard, sound sound) error {
	isSound := func(target string) bool { return sound.source(target) != 0 }
	ev, err := v.f.evidence(ctx, parts, func(target string) bool { return shard.has(target) && !isSound(target) }, func(key string, err error) error {
		v.mu.Lock()
		again := v.unreadable[key]
		v.unreadable[key] = true
		v.mu.Unlock()
		if ctx.Err() == nil && (again || !v.o.Shard.has(key)) { // one shard says so, once
			return nil
		}
		return v.unread(ctx, key, err)
	})
	if err != nil {
		return err
	}
	strays := map[uint64]struct{}{} // targets of sources that no manifest tells of
	s := v.o.Selection
	s.Shard = shard
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	if err := v.f.list(gctx, s, func(o *blob.ListObject) error {
		key := o.Key
		if sound.source(objcsv.TargetKey(key)) == mark(key) {
			return nil
		}
		g.Go(func() error { return v.source(gctx, key, ev, strays) })
		return nil
	}); err != nil {
		_ = g.Wait() // of what was begun; the list's error is the first, or says so
		return err
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := v.leftBehind(ctx, ev); err != nil {
		return err
	}
	return v.strangers(ctx, s, ev, strays, isSound)
}

// receipts looks whether the chain of receipts is whole.
func (v *verification) receipts(ctx context.Context, pruned time.Time) error {
	if v.o.Shard.Index > 0 {
		return nil
	}
	list, chained, err := receipt.Read(ctx, v.f.parts.State, "gunzipcsv", receipt.ReadSpan{From: v.o.From, Pruned: pruned}, func(receipt.Core) {})
	v.v.Join(list)
	v.v.Receipts = chained
	return err
}

// deadLetters tells of notices that were given up, whatever is selected: after an
// outage of days their objects are older than what the daily proof looks at, and
// nothing else would tell of them. The first shard looks.
func (v *verification) deadLetters(ctx context.Context) error {
	if v.f.parts.Dead == nil || v.o.Shard.Index > 0 {
		return nil
	}
	b, err := v.f.parts.Dead.Backlog(ctx)
	switch {
	case err != nil:
		return v.unread(ctx, "dead letters", err)
	case b.Messages > 0:
		since := ""
		if !b.Oldest.IsZero() {
			since = ", the oldest of " + stamp(b.Oldest)
		}
		v.find(findDead, "dead letters", "%d notices were given up%s: mend what kept them, run a backfill, and purge the queue CF_DEAD_QUEUE_ID", b.Messages, since)
	}
	return nil
}

// find enters a finding.
func (v *verification) find(kind, where, format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.v.Find(kind, where, format, args...)
	if kind != receipt.Unread {
		v.blind = 0
	}
}

// maxBlind is how many objects in a row may fail to be looked at, for reasons
// that are not their own, before that is an outage.
const maxBlind = 100

// unread enters what could not be looked at. It returns an error where nothing
// can be any more: that is no verification.
func (v *verification) unread(ctx context.Context, where string, err error) error {
	if ctx.Err() != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	v.find(receipt.Unread, where, "it could not be looked at: %v", err)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.v.Unread++
	if retry.IsPermanent(err) {
		return nil
	}
	if v.blind++; v.blind >= maxBlind {
		return fmt.Errorf("%d objects in a row could not be looked at: %w", v.blind, err)
	}
	return nil
}

// count adds to the counts under the lock.
func (v *verification) count(add func(*Verified)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	add(&v.v)
}

// looked counts what could be looked at.
func (v *verification) looked(add func(*Verified)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	add(&v.v)
	v.blind = 0
}

// stamp writes a time for people.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// patiently makes a call to a store a few times. What the store refuses of one
// object for good is a permanent error.
func patiently(ctx context.Context, op func(context.Context) error) error {
	return retry.Policy{Attempts: 3, Base: 250 * time.Millisecond, Max: 2 * time.Second}.Do(ctx, func(ctx context.Context) error {
		err := op(ctx)
		if bucket.IsObjectRefused(err) {
			return retry.Permanent(err)
		}
		return err
	})
}
