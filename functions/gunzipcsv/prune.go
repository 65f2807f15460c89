package gunzipcsv

import (
	"context"

	"github.com/siemfeed/siemfeed/pkg/prune"
)

var _ prune.Pruner = (*Function)(nil)

// Prune implements [prune.Pruner]. A target whose manifest is gone is entered
// anew by whoever meets it.
func (f *Function) Prune(ctx context.Context, o prune.Options) (prune.Report, error) {
	state := f.parts.State
	t, err := prune.Begin(ctx, state, "gunzipcsv", o)
	if err != nil {
		return prune.Report{}, err
	}
	if err := t.Proof(ctx, state, "gunzipcsv", f.reject); err != nil {
		return t.Report(), err
	}
	err = t.Days(ctx, state, "manifests", manifestRoot)
	return t.Report(), err
}
