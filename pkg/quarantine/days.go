package quarantine

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Names lists the objects that are pending, neither replayed nor accepted, of the days from from to to,
// both included, oldest first; a zero time is no bound. It asks the store for
// nothing but lists, and for the objects that were replayed once, so that it is
// cheap where [Store.Pending] is not. The day is that of [Store.Name].
func (s *Store) Names(ctx context.Context, from, to time.Time) iter.Seq2[string, error] {
	return s.names(ctx, from, to, pending)
}

// Accepted lists those that were accepted as lost, as [Store.Names] does those
// that are pending.
func (s *Store) Accepted(ctx context.Context, from, to time.Time) iter.Seq2[string, error] {
	return s.names(ctx, from, to, accepted)
}

// names lists the objects of one fate.
func (s *Store) names(ctx context.Context, from, to time.Time, want fate) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		// Both lists are in the same order.
		next, stop := iter.Pull2(s.b.Days(ctx, s.function+"/replayed/", from, to))
		defer stop()
		marked, err, more := next()
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
			for more && err == nil && marked.Key < mark {
				marked, err, more = next()
			}
			if more && err != nil {
				yield("", err)
				return
			}
			is := pending
			if more && marked.Key == mark {
				if _, is, err = s.state(ctx, o.Key); bucket.IsNotFound(err) {
					err = nil
					continue
				}
				if err != nil {
					yield("", err)
					return
				}
			}
			if is == want && !yield(o.Key, nil) {
				return
			}
		}
	}
}
