package main

import (
	"context"
	"fmt"
)

// slshecShards drains 1 to 64 shards with the defaults of a function that is
// deployed. In each of many wait 10 minutes of logs, 40 a second; few hold as
// much in all as 16 do, so that the process's start does not show.
func slshecShards(ctx context.Context, t *table) error {
	const pages = 10 * 60 * 40 / slsPageLogs
	var first cost
	for _, shards := range []int{1, 4, 16, 64} {
		w, err := newSLSWorld(shards, auditLogs)
		if err != nil {
			return err
		}
		c, err := w.forward(ctx, max(pages, int64(16*pages/shards)), true)
		w.close()
		if err != nil {
			return fmt.Errorf("%d shards: %w", shards, err)
		}
		if shards == 1 {
			first = c
		}
		t.add(fmt.Sprintf("%d shards, raw MB/s of a core", shards), fmt.Sprintf("%.0f", c.rate())).
			against(fmt.Sprintf("%.0f of 1 shard", first.rate()), c.rate()/first.rate())
		r := t.add("  peak RSS", mib(c.PeakRSS)).
			against(mib(first.PeakRSS)+" of 1 shard", float64(c.PeakRSS)/float64(first.PeakRSS))
		if shards == 64 {
			r.want("≤ 128 MiB", c.PeakRSS <= 128<<20)
		}
	}
	return nil
}
