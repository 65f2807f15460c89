package gunzipcsv

import (
	"context"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// Selection says which source objects a backfill or a verification is about.
type Selection struct {
	// Prefix is below the prefix= of SOURCE_URL.
	Prefix string
	// From and To bound the time an object was last written, [From, To); zero
	// means unbounded.
	From, To time.Time
	// Shard is a share of what the rest selects.
	Shard Shard
}

// spans tells whether what was written at t is selected by its time.
func (s Selection) spans(t time.Time) bool {
	return (s.From.IsZero() || !t.Before(s.From)) && (s.To.IsZero() || t.Before(s.To))
}

// list calls each with every object selected, in byte order of the keys.
func (f *Function) list(ctx context.Context, s Selection, each func(*blob.ListObject) error) error {
	if err := s.Shard.valid(); err != nil {
		return err
	}
	for o, err := range f.parts.Source.Objects(ctx, s.Prefix) {
		if err != nil {
			return err
		}
		if !s.spans(o.ModTime) || !s.Shard.hasSource(o.Key) {
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

// notice is what the store would have told of an object.
func (f *Function) notice(o *blob.ListObject) trigger.Notice {
	return trigger.Notice{Bucket: f.cfg.SourceBucket, Key: f.prefix + o.Key, Size: o.Size, Action: "backfill", Created: true, Time: o.ModTime}
}
