package status

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

const (
	// back is how many days are looked at for something that was kept, from
	// today.
	back = 400
	// abreast is how many requests are under way at once: a store answers a
	// small one in tens of milliseconds.
	abreast = 16
)

// newest lists the keys in folder, which lie there by day, newest first: those
// of the last days in which there are any, until there are want or the days that
// are looked at are through. A function that has been silent for a year takes
// some 25 rounds of requests, one that runs takes one.
func newest(ctx context.Context, b *bucket.Bucket, folder string, now time.Time, want int) (keys []string, err error) {
	for day := 0; day < back && len(keys) < want; day += abreast {
		lists := make([][]string, abreast)
		g, gctx := errgroup.WithContext(ctx)
		for i := range lists {
			// A clock may be ahead: the first day is tomorrow.
			t := now.UTC().AddDate(0, 0, 1-day-i)
			g.Go(func() (err error) {
				lists[i], err = b.Keys(gctx, folder+t.Format("2006/01/02/"))
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
		for _, list := range lists {
			slices.Reverse(list)
			keys = append(keys, list...)
		}
	}
	return keys[:min(len(keys), want)], nil
}

// kept is a JSON object that was read.
type kept[T any] struct {
	key   string
	value T
	// bad says why it cannot be read as one: it was damaged, or put there by
	// somebody else.
	bad error
}

// readAll reads the JSON objects called keys, in their order. One that is none is
// no reason to leave the others alone.
func readAll[T any](ctx context.Context, b *bucket.Bucket, keys []string) ([]kept[T], error) {
	list := make([]kept[T], len(keys))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(abreast)
	for i, key := range keys {
		g.Go(func() error {
			list[i].key = key
			text, err := b.ReadAll(gctx, key)
			if bucket.IsObjectRefused(err) {
				list[i].bad, err = err, nil
			} else if err == nil {
				list[i].bad = json.Unmarshal(text, &list[i].value)
			}
			return err
		})
	}
	return list, g.Wait()
}
