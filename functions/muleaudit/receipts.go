package muleaudit

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// receiptObjects gathers what the kept receipts say of the objects they name,
// from the day From is in onwards.
func (f *Function) receiptObjects(ctx context.Context, o VerifyOptions) (map[string]Object, error) {
	keys, err := f.state.Keys(ctx, root+"receipts/")
	if err != nil {
		return nil, err
	}
	first := root + "receipts/" + o.From.UTC().Format("2006/01/02/")
	if o.From.IsZero() {
		first = ""
	}
	var mu sync.Mutex
	objects := map[string]Object{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16) // a store answers one small read in tens of milliseconds
	for _, key := range keys {
		if key < first {
			continue
		}
		g.Go(func() error {
			var r Receipt
			if err := f.state.ReadJSON(ctx, key, &r); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, org := range r.Orgs {
				for _, obj := range slices.Concat(org.Objects, org.Recovered) {
					objects[obj.Name] = obj
				}
			}
			return nil
		})
	}
	return objects, g.Wait()
}
