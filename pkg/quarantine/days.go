package quarantine

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Names lists the objects that were not replayed, of the days from from to to,
// both included, oldest first; a zero time is no bound. It asks the store for
// nothing but lists, and for the objects that were replayed once, so that it is
// cheap where [Store.Pending] is not. The day is that of [Store.Name].
func (s *Store) Names(ctx context.Context, from, to time.Time) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		// Both lists are in the same order.
		next, stop := iter.Pull2(s.b.Days(ctx, s.function+"/replayed/", from, to))
		defer stop()
		replayed, err, more := next()
		for o, listErr := range s.b.Days(ctx, s.function+"/", from, to) {
			if listErr != nil {
				yield("", listErr)
				return
			}
			rest := strings.TrimPrefix(o.Key, s.function+"/")
			if rest == "" || rest[0] < '0' || rest[0] > '9' || !strings.HasSuffix(rest, ".ndjson.gz") {
				continue
			}
			mark := s.markOf(o.Key)
			for more && err == nil && replayed.Key < mark {
				replayed, err, more = next()
			}
			if more && err != nil {
				yield("", err)
				return
			}
			if more && replayed.Key == mark {
				_, done, err := s.state(ctx, o.Key)
				if err == nil && done || bucket.IsNotFound(err) {
					continue
				}
				if err != nil {
					yield("", err)
					return
				}
			}
			if !yield(o.Key, nil) {
				return
			}
		}
	}
}
