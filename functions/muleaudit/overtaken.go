package muleaudit

import (
	"context"
	"path"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// freshTick is how old a tick may be without a look for others: redelivery comes
// after some time only.
const freshTick = time.Minute

// lastRuns is among how many of the last runs a later tick's is looked for.
const lastRuns = 20

// overtaken returns the run of a tick that was published later than at, empty if
// there is none. What the earlier tick asked for, that run has done, or will when
// it is delivered again: were each delivered until it succeeds, an organisation
// that is refused for a day would make a hundred ticks come back for ever.
//
// It asks for a list of the receipts since, of a tick that comes late only.
func (f *Function) overtaken(ctx context.Context, at time.Time) (run string, err error) {
	if at.IsZero() || time.Since(at) < freshTick {
		return "", nil
	}
	var keys []string
	for o, err := range f.state.Days(ctx, root+"receipts/", at, time.Time{}) {
		if err != nil {
			return "", err
		}
		if path.Base(o.Key) >= at.UTC().Format(stampOfRun) {
			keys = append(keys, o.Key)
		}
	}
	for n := range min(len(keys), lastRuns) {
		var r Receipt
		err := f.state.ReadJSON(ctx, keys[len(keys)-1-n], &r)
		if err != nil && !bucket.IsNotFound(err) {
			return "", err
		}
		if err == nil && r.Tick != nil && r.Tick.After(at) {
			return r.Run, nil
		}
	}
	return "", nil
}

// stampOfRun is how the name of a run begins: see receipt.Start.
const stampOfRun = "20060102T150405.000"
