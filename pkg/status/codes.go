package status

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// codes counts the records of each of the objects called names by code. One
// that is gone, as one is that is pruned just now, has none.
func codes(ctx context.Context, q *quarantine.Store, names []string) ([]map[string]int, error) {
	counts := make([]map[string]int, len(names))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(abreast)
	for i, name := range names {
		g.Go(func() error {
			counts[i] = map[string]int{}
			for r, err := range q.Read(gctx, name) {
				if bucket.IsNotFound(err) {
					break
				}
				if err != nil {
					return err
				}
				counts[i][r.Code]++
			}
			return nil
		})
	}
	return counts, g.Wait()
}
