package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/oss"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

// calls counts the requests to a store by what they do.
type calls struct {
	h http.Handler

	mu sync.Mutex
	n  counts
}

type counts struct{ changes, reads, lists int }

func (c *calls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	switch {
	case r.Method == http.MethodPut || r.Method == http.MethodPost || r.Method == http.MethodDelete:
		c.n.changes++
	case r.URL.Query().Has("list-type"):
		c.n.lists++
	default:
		c.n.reads++
	}
	c.mu.Unlock()
	c.h.ServeHTTP(w, r)
}

func (c *calls) count() counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// newMuleFunction opens the function in this process; a run of it is triggered by
// what is returned.
func newMuleFunction(ctx context.Context, env map[string]string) (run func(message string) (*muleaudit.Receipt, error), end func(), err error) {
	rt, err := serve.NewRuntime(ctx, envconfig.MapLookuper(map[string]string{"LOG_LEVEL": "error"}), "muleaudit", serve.OnStderr)
	if err != nil {
		return nil, nil, err
	}
	f, err := muleaudit.Open(ctx, envconfig.MapLookuper(env), rt)
	if err != nil {
		return nil, nil, err
	}
	run = func(message string) (*muleaudit.Receipt, error) {
		r, err := f.Run(ctx, trigger.Event{Kind: trigger.PubSub, Data: []byte(message)})
		if err != nil {
			return nil, err
		}
		rec, ok := r.(*muleaudit.Receipt)
		if !ok {
			return nil, fmt.Errorf("receipt is a %T", r)
		}
		return rec, nil
	}
	return run, func() { _ = f.Close() }, nil
}

// muleauditCost counts what a run costs of an organisation, where nothing happens
// and where five pages come between two runs.
func muleauditCost(ctx context.Context, t *table) error {
	server := oss.New(oss.Options{AccessKeyID: "id", AccessKeySecret: "secret"})
	server.AddBucket("state")
	server.AddBucket("output")
	state, output := &calls{h: server}, &calls{h: server}
	stateAt, outputAt := httptest.NewServer(state), httptest.NewServer(output)
	defer stateAt.Close()
	defer outputAt.Close()
	const at = "oss://%s?region=cn-hangzhou&endpoint=%s"
	w, err := newMuleWorld(emulator.Options{}, map[string]string{
		"STATE_URL": fmt.Sprintf(at, "state", stateAt.URL), "OUTPUT_URL": fmt.Sprintf(at, "output", outputAt.URL),
		"SLS_AK_ID": "id", "SLS_AK_KEY": "secret", "MULE_SETTLE": "1s", "MULE_LOOKBACK": "2h", "QUARANTINE_URL": "mem://",
	})
	if err != nil {
		return err
	}
	defer w.close()
	run, end, err := newMuleFunction(ctx, w.env)
	if err != nil {
		return err
	}
	defer end()
	for range 2 { // the second looks behind the first
		if _, err := run("{}"); err != nil {
			return err
		}
		time.Sleep(2 * time.Second)
	}
	cost := func(what string, events int) error {
		if events > 0 {
			time.Sleep(4 * time.Second)
			now := time.Now() // all of it after the last run's end
			more := emulator.Generate("org-1", emulator.Generated{Seed: uint64(now.Unix()), N: events, From: now.Add(-2800 * time.Millisecond), To: now.Add(-2200 * time.Millisecond)})
			if err := w.api.Add("org-1", more...); err != nil {
				return err
			}
		}
		before, s, o := w.api.Metrics().Requests["query"], state.count(), output.count()
		r, err := run("{}")
		if err != nil {
			return err
		}
		if r.Out != int64(events) {
			return fmt.Errorf("%d events of %d", r.Out, events)
		}
		asked := w.api.Metrics().Requests["query"] - before
		after := state.count()
		changed := after.changes - s.changes
		requests := fmt.Sprint(asked)
		written := fmt.Sprintf("%d, with %d reads and %d lists", changed, after.reads-s.reads, after.lists-s.lists)
		if events == 0 {
			t.add(what+": requests to the API", requests).want("≤ 3", asked <= 3)
			t.add("  changes of the state", written).want("≤ 6", changed <= 6)
			return nil
		}
		t.add(what+": requests to the API", requests)
		t.add("  changes of the state", written)
		t.add("  objects written to the output", fmt.Sprint(output.count().changes-o.changes))
		return nil
	}
	if err := cost("nothing new", 0); err != nil {
		return err
	}
	return cost("1,000 new events", 1000)
}

// muleauditRuns counts the runs that a backfill of twenty organisations takes
// which has to read some four budgets.
func muleauditRuns(ctx context.Context, t *table) error {
	const orgs, pages, size, perMinute = 20, 15, 20, 1500
	timeout := 4 * time.Second
	var ids []string
	w, err := newMuleWorld(emulator.Options{}, map[string]string{
		"RUN_TIMEOUT": timeout.String(), "MULE_RATE_PER_MIN": fmt.Sprint(perMinute), "MULE_PAGE_SIZE": fmt.Sprint(size),
	})
	if err != nil {
		return err
	}
	defer w.close()
	day := time.Now().UTC().Truncate(24 * time.Hour).Add(-48 * time.Hour)
	for i := range orgs {
		id := fmt.Sprint("org-", i)
		ids = append(ids, id)
		w.api.AddOrg(id, "")
		w.api.AddSynthetic(id, emulator.Synthetic{Seed: uint64(i), N: pages * size, From: day, To: day.Add(24 * time.Hour)})
	}
	w.env["MULE_ORG_ID"] = strings.Join(ids, ",")
	run, end, err := newMuleFunction(ctx, w.env)
	if err != nil {
		return err
	}
	defer end()
	message := fmt.Sprintf(`{"from":%q,"to":%q}`, day.Format(time.RFC3339), day.Add(24*time.Hour).Format(time.RFC3339))
	// A quarter of a run's time is kept for its end.
	least := (orgs*pages*60*4 + perMinute*3*int(timeout.Seconds()) - 1) / (perMinute * 3 * int(timeout.Seconds()))
	var out int64
	for runs := 1; ; runs++ {
		r, err := run(message)
		if err != nil {
			return err
		}
		if out += r.Out; r.Status == receipt.OK {
			asked := w.api.Metrics().Requests["query"]
			t.add("runs of a backfill of four budgets", fmt.Sprint(runs)).
				against(fmt.Sprintf("%d at the least", least), float64(runs)/float64(least)).
				want("≤ 2", runs <= 2*least)
			t.add("requests for them", fmt.Sprint(asked)).
				against(fmt.Sprintf("%d pages", orgs*pages), float64(asked)/(orgs*pages)).
				want("≤ 2", asked <= 2*orgs*pages)
			if out != orgs*pages*size {
				return fmt.Errorf("%d events of %d", out, orgs*pages*size)
			}
			return nil
		}
	}
}
