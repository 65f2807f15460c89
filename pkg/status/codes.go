package status

import (
	"context"
	"encoding/json"

	"golang.org/x/sync/errgroup"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// rejected are the records of an object that have one code.
type rejected struct {
	records int
	first   json.RawMessage // position of the first
}

// Unreadable is the code of what lies in quarantine and cannot be read: an object
// that was damaged, that somebody else put there, or that the store does not give
// out.
const Unreadable = "unreadable"

// codes counts the records of each of the objects called names by code. One
// that is gone, as one is that is pruned just now, has none.
func codes(ctx context.Context, q *quarantine.Store, names []string) ([]map[string]rejected, error) {
	counts := make([]map[string]rejected, len(names))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(abreast)
	for i, name := range names {
		g.Go(func() error {
			counts[i] = map[string]rejected{}
			for r, err := range q.Read(gctx, name) {
				switch {
				case bucket.IsNotFound(err):
					return nil
				case quarantine.IsDamaged(err), bucket.IsObjectRefused(err):
					r.Code, r.Source = Unreadable, nil
				case err != nil:
					return err
				}
				c := counts[i][r.Code]
				if c.records++; c.first == nil {
					c.first = r.Source
				}
				counts[i][r.Code] = c
			}
			return nil
		})
	}
	return counts, g.Wait()
}
