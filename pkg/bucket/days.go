package bucket

import (
	"context"
	"iter"
	"time"

	"gocloud.dev/blob"
)

// mostDays is how many folders are listed one by one before it is cheaper to
// list them all and pass by what was not asked for.
const mostDays = 400

// Days lists the objects in folders by day, <folder>YYYY/MM/DD/…, of the days
// from from to to, both included, in byte order of their keys. A zero time is
// no bound.
func (b *Bucket) Days(ctx context.Context, folder string, from, to time.Time) iter.Seq2[*blob.ListObject, error] {
	day := func(t time.Time) string { return folder + t.UTC().Format("2006/01/02/") }
	end := to
	if end.IsZero() {
		end = time.Now().AddDate(0, 0, 1) // a clock may be ahead
	}
	return func(yield func(*blob.ListObject, error) bool) {
		if from.IsZero() || end.Sub(from) > mostDays*24*time.Hour {
			for o, err := range b.Objects(ctx, folder) {
				if err == nil && (!from.IsZero() && o.Key < day(from) || !to.IsZero() && o.Key >= day(to.AddDate(0, 0, 1))) {
					continue
				}
				if !yield(o, err) || err != nil {
					return
				}
			}
			return
		}
		last := day(end)
		for t := from.UTC().Truncate(24 * time.Hour); day(t) <= last; t = t.AddDate(0, 0, 1) {
			for o, err := range b.Objects(ctx, day(t)) {
				if !yield(o, err) || err != nil {
					return
				}
			}
		}
	}
}
