package main

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	"github.com/siemfeed/siemfeed/pkg/anypoint"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

func muleauditSuite() suite {
	return suite{
		name: "muleaudit", build: muleaudit.New, floor: muleauditFloor,
		cases: []benchCase{
			{"budget", "share of 700 requests a minute that is used, at 300 ms latency", muleauditBudget},
			{"day", "1,000,000 events spread over a day, no latency", muleauditMillion(24 * time.Hour)},
			{"slice", "1,000,000 events in one hour's slice, no latency", muleauditMillion(time.Hour)},
			{"cost", "requests and store operations of a run, quiet and busy", muleauditCost},
			{"runs", "runs that a backfill needs whose day is four budgets", muleauditRuns},
			{"start", "cold start and size of the binary that is deployed", muleauditStart},
		},
	}
}

// muleWorld is an emulated control plane and a place for the buckets.
type muleWorld struct {
	api *emulator.Server
	dir string
	env map[string]string
}

func newMuleWorld(o emulator.Options, env map[string]string) (*muleWorld, error) {
	dir, err := os.MkdirTemp("", "siemfeed-bench-")
	if err != nil {
		return nil, err
	}
	w := &muleWorld{api: emulator.New(o).Start(), dir: dir}
	w.api.AddOrg("org-1", "")
	w.env = map[string]string{
		"MULE_ORG_ID": "org-1", "CLIENT_ID": "client", "CLIENT_SECRET": "secret",
		"MULE_BASE_URL": w.api.URL(), "MULE_RATE_PER_MIN": "60000000",
		"OUTPUT_URL": "file://" + filepath.Join(dir, "output") + "?create_dir=true",
		"STATE_URL":  "file://" + filepath.Join(dir, "state") + "?create_dir=true",
	}
	maps.Copy(w.env, env)
	return w, nil
}

func (w *muleWorld) close() {
	w.api.Close()
	_ = os.RemoveAll(w.dir)
}

// muleauditFloor reads the last 24 hours, four slices side by side, and throws
// the entries away.
func muleauditFloor(ctx context.Context) error {
	api := anypoint.New(anypoint.Options{
		BaseURL: os.Getenv("MULE_BASE_URL"), ClientID: "client", ClientSecret: "secret", RatePerMinute: 60_000_000,
	})
	defer api.CloseIdle()
	spans := make(chan anypoint.Query)
	errs := make(chan error, 4)
	var wg sync.WaitGroup
	for range cap(errs) {
		wg.Go(func() {
			for q := range spans {
				if _, err := api.Entries(ctx, q, discard{}); err != nil && len(errs) < cap(errs) {
					errs <- err
				}
			}
		})
	}
	for at := time.Now().Truncate(time.Hour).Add(-24 * time.Hour); at.Before(time.Now()); at = at.Add(time.Hour) {
		spans <- anypoint.Query{Org: "org-1", From: at, To: at.Add(time.Hour)}
	}
	close(spans)
	wg.Wait()
	close(errs)
	return <-errs
}

type discard struct{}

func (discard) PageStart(int)                  {}
func (discard) Entry([]byte) error             { return nil }
func (discard) Reject(anypoint.Rejected) error { return nil }
func (discard) PageEnd(bool) error             { return nil }
