package receipt

import (
	"context"
	"errors"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// Read reads the kept receipts of function, as R, of all runs that may have been
// under way at from or later; a zero from means all. Only the days since then
// are listed, so that the cost does not grow with a deployment's age. each is
// called for one after the other, in no order.
func Read[R any](ctx context.Context, state *bucket.Bucket, function string, from time.Time, each func(R)) error {
	if !from.IsZero() {
		from = from.AddDate(0, 0, -1) // they lie by the day a run began, which may be the one before
	}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16) // a store answers one small read in tens of milliseconds
	for o, err := range state.Days(ctx, function+"/receipts/", from, time.Time{}) {
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		if gctx.Err() != nil {
			break // g.Wait says why
		}
		g.Go(func() error {
			var r R
			if err := state.ReadJSON(gctx, o.Key, &r); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			each(r)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return ctx.Err() // which may be all that ended the list
}

// Oldest returns when the run began whose receipt is the oldest that is kept of
// function; zero if there is none.
func Oldest(ctx context.Context, state *bucket.Bucket, function string) (time.Time, error) {
	for o, err := range state.Objects(ctx, function+"/receipts/") {
		if err != nil {
			return time.Time{}, err
		}
		return Began(path.Base(o.Key))
	}
	return time.Time{}, nil
}

// Began returns when the run began, or what else is called as runs are, whose
// name is id.
func Began(id string) (time.Time, error) {
	stamped, _, _ := strings.Cut(id, "-")
	return time.Parse(stamp, stamped)
}
