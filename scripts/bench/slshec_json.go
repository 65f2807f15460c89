package main

import (
	"context"
	"fmt"
)

// slshecJSON forwards events of ActionTrail as HEC_JSON_KEYS has them, checked
// and embedded, beside the same as strings, in which every quote is escaped.
func slshecJSON(ctx context.Context, t *table) error {
	w, err := newSLSWorld(1, trailLogs)
	if err != nil {
		return err
	}
	defer w.close()
	for _, gzip := range []bool{true, false} {
		forward := func(keys string) func() (cost, error) {
			return func() (cost, error) {
				w.env["HEC_JSON_KEYS"] = keys
				return w.forward(ctx, slsPages, gzip)
			}
		}
		embedded := &contestant{run: forward("event")}
		quoted := &contestant{name: "the same events as strings", run: forward("")}
		if err := contest(embedded, quoted); err != nil {
			return err
		}
		what := "raw MB/s of a core, JSON embedded, gzip off"
		if gzip {
			what = "raw MB/s of a core, JSON embedded, gzip on"
		}
		ratio := embedded.rate() / quoted.rate()
		t.add(what, fmt.Sprintf("%.0f", embedded.rate())).against(quoted.String(), ratio).want("≥ 1.00", ratio >= 1)
	}
	return nil
}
