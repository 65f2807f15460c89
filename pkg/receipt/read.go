package receipt

import (
	"context"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Read reads the kept receipts of function, as R, of all runs that may have been
// under way at from or later; a zero from means all. each is called for one
// after the other, in no order.
func Read[R any](ctx context.Context, state *bucket.Bucket, function string, from time.Time, each func(R)) error {
	root := function + "/receipts/"
	keys, err := state.Keys(ctx, root)
	if err != nil {
		return err
	}
	first := root
	if !from.IsZero() {
		// They lie by the day a run began, which may be the one before.
		first += from.UTC().AddDate(0, 0, -1).Format("2006/01/02/")
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16) // a store answers one small read in tens of milliseconds
	for _, key := range keys {
		if key < first {
			continue
		}
		g.Go(func() error {
			var r R
			if err := state.ReadJSON(ctx, key, &r); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			each(r)
			return nil
		})
	}
	return g.Wait()
}

// Oldest returns when the run began whose receipt is the oldest that is kept of
// function; zero if there is none.
func Oldest(ctx context.Context, state *bucket.Bucket, function string) (time.Time, error) {
	for o, err := range state.Objects(ctx, function+"/receipts/") {
		if err != nil {
			return time.Time{}, err
		}
		began, _, _ := strings.Cut(path.Base(o.Key), "-")
		return time.Parse(stamp, began)
	}
	return time.Time{}, nil
}
