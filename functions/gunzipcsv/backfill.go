package gunzipcsv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// backfillStep is how many objects one run of a backfill takes on: an
// interruption costs no more than to look at that many again.
const backfillStep = 500

// Selection says which source objects a backfill or a verification is about.
type Selection struct {
	// Prefix is below the prefix= of SOURCE_URL.
	Prefix string
	// From and To bound the time an object was last written, [From, To); zero
	// means unbounded.
	From, To time.Time
}

func (s Selection) has(o *blob.ListObject) bool {
	return (s.From.IsZero() || !o.ModTime.Before(s.From)) && (s.To.IsZero() || o.ModTime.Before(s.To))
}

// list calls each with every object selected, in byte order of the keys.
func (f *Function) list(ctx context.Context, s Selection, each func(*blob.ListObject) error) error {
	for o, err := range f.parts.Source.Objects(ctx, s.Prefix) {
		if err != nil {
			return err
		}
		if !s.has(o) {
			continue
		}
		if err := each(o); err != nil {
			return err
		}
	}
	return nil
}

// Count lists the objects selected.
func (f *Function) Count(ctx context.Context, s Selection) (n int64, err error) {
	err = f.list(ctx, s, func(*blob.ListObject) error { n++; return nil })
	return n, err
}

// progress is how far a backfill has come.
type progress struct {
	After string `json:"after"` // the last key of a finished run
}

// Backfill converts what is selected and not converted yet, in runs of a few
// hundred objects, and remembers after each how far it has come: called again
// with the same selection, it goes on from there. step hears of every run's
// receipt, and of how many objects of the list are behind it.
func (f *Function) Backfill(ctx context.Context, s Selection, step func(r *Receipt, listed int64)) error {
	mark := f.backfillMark(s)
	var reached progress
	if err := f.parts.State.ReadJSON(ctx, mark, &reached); err != nil && !bucket.IsNotFound(err) {
		return err
	}
	var (
		listed int64
		last   string
		batch  []trigger.Notice
	)
	flush := func() error {
		for len(batch) > 0 {
			r, err := f.backfillRun(ctx, batch)
			step(r, listed)
			if err != nil {
				return err
			}
			if len(r.Remaining) == 0 {
				batch = batch[:0]
			} else if r.Out+r.Filtered+r.Quarantined == 0 {
				return fmt.Errorf("RUN_TIMEOUT (%v) is too short for a single object: raise it", f.cfg.RunTimeout)
			} // else the same again: what is done is passed by
		}
		return f.parts.State.PutJSON(ctx, mark, progress{last})
	}
	err := f.list(ctx, s, func(o *blob.ListObject) error {
		listed++
		last = o.Key
		if o.Key <= reached.After {
			return nil
		}
		batch = append(batch, f.notice(o))
		if len(batch) < backfillStep {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return err
	}
	return f.parts.State.Remove(ctx, mark) // a later backfill begins anew
}

func (f *Function) backfillMark(s Selection) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%v\x00%v", f.cfg.SourceURL, f.cfg.DestURL, s.Prefix, s.From.UTC(), s.To.UTC()))
	return "gunzipcsv/backfill/" + hex.EncodeToString(sum[:8]) + ".json"
}

// notice is what the store would have told of an object.
func (f *Function) notice(o *blob.ListObject) trigger.Notice {
	return trigger.Notice{Bucket: f.cfg.SourceBucket, Key: f.prefix + o.Key, Size: o.Size, Action: "backfill", Created: true, Time: o.ModTime}
}

func (f *Function) backfillRun(ctx context.Context, batch []trigger.Notice) (*Receipt, error) {
	r := f.newRun(ctx, f.cfg.RunTimeout)
	defer r.Cancel()
	err := f.deliver(r.Context(), r, trigger.Event{Kind: trigger.Objects, Path: "backfill", Notices: batch})
	rec, err := f.finish(r, err)
	return rec, errors.Join(err, ctx.Err())
}
