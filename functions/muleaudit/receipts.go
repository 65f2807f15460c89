package muleaudit

import (
	"context"
	"slices"

	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// receiptObjects gathers what the kept receipts say of the objects they name,
// from the time From on.
func (f *Function) receiptObjects(ctx context.Context, o VerifyOptions) (map[string]Object, error) {
	objects := map[string]Object{}
	err := receipt.Read(ctx, f.state, "muleaudit", o.From, func(r Receipt) {
		for _, org := range r.Orgs {
			for _, obj := range slices.Concat(org.Objects, org.Recovered) {
				objects[obj.Name] = obj
			}
		}
	})
	return objects, err
}
