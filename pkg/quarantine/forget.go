package quarantine

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Marks lists the marks of objects of the days that ended before t: of those
// that were replayed, as [Store.Forget] takes them.
func (s *Store) Marks(ctx context.Context, t time.Time) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for day, err := range s.b.DaysBefore(ctx, s.function+"/replayed/", t) {
			if err != nil {
				yield("", err)
				return
			}
			for o, err := range s.b.Objects(ctx, day) {
				if err != nil {
					yield("", err)
					return
				}
				if !yield(o.Key, nil) {
					return
				}
			}
		}
	}
}

// Forgotten is what [Store.Forget] removed, or would remove.
type Forgotten struct{ Objects, Bytes int64 }

// Forget removes an object that was replayed or accepted, and then its mark,
// unless dry. One that was written anew since is pending, and stays.
func (s *Store) Forget(ctx context.Context, mark string, dry bool) (done Forgotten, err error) {
	rest, ok := strings.CutPrefix(mark, s.function+"/replayed/")
	name, json := strings.CutSuffix(rest, ".json")
	if !ok || !json {
		return done, fmt.Errorf("%s is no mark of a replay: remove it", mark)
	}
	name = s.function + "/" + name + ".ndjson.gz"
	o, is, err := s.state(ctx, name)
	switch {
	case bucket.IsNotFound(err): // a mark alone
	case err != nil, is == pending:
		return done, err
	default:
		done = Forgotten{1, o.Size}
	}
	if dry {
		return done, nil
	}
	// The object first: without its mark it would be pending again.
	if done.Objects > 0 {
		if err := s.b.Remove(ctx, name); err != nil {
			return Forgotten{}, err
		}
	}
	return done, s.b.Remove(ctx, mark)
}
