package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/siemfeed/siemfeed/functions/trailtags"
	cloud "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

func trailtagsSuite() suite {
	return suite{
		name: "trailtags", build: trailtags.New, floor: trailtagsRival,
		cases: []benchCase{
			{"distinct", "events a core-second and API calls an event at 1 %, 50 % and 100 % distinct resources, beside three calls an event", trailtagsDistinct},
		},
	}
}

const (
	trailEvents      = 100_000
	trailRivalEvents = 1_000
	trailKind        = "ACS::ECS::Instance"
)

var trailAccounts = []string{"1000000000000001", "1000000000000002", "1000000000000003"}

// trailWorld is an emulated organisation of three accounts, with events that name
// so many resources, and a target.
type trailWorld struct {
	sls   *emulator.Server
	cloud *cloud.Server
	dir   string
	env   map[string]string
}

func newTrailWorld(events, resources int) (*trailWorld, error) {
	dir, err := os.MkdirTemp("", "siemfeed-bench-")
	if err != nil {
		return nil, err
	}
	w := &trailWorld{sls: emulator.New(emulator.Options{Shards: 4}).Start(), cloud: cloud.New(cloud.Options{}), dir: dir}
	w.sls.AddLogstore("security", "tagged", 4)
	for i := range resources {
		w.cloud.AddAccount(trailAccounts[i%len(trailAccounts)]).Create(cloud.Resource{Region: "cn-hangzhou", Type: trailKind, ID: fmt.Sprintf("i-%06d", i)}, map[string]string{"project": fmt.Sprint("project-", i%50), "env": "prod"})
	}
	gen := emulator.NewGenerator(1)
	n := 0
	for n < events {
		w.sls.Logstore().Append(n/100%4, gen.TrailOf(100, func(e map[string]any) {
			i := n % resources
			e["recipientAccountId"], e["resourceType"], e["resourceName"] = trailAccounts[i%len(trailAccounts)], trailKind, fmt.Sprintf("i-%06d", i)
			n++
		}))
	}
	api := w.cloud.Start()
	w.env = map[string]string{
		"SLS_ENDPOINT": w.sls.URL(), "SLS_AK_ID": "ak", "SLS_AK_KEY": "secret",
		"SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": "bench", "SLS_START": "begin",
		"SLS_TARGET_PROJECT": "security", "SLS_TARGET_LOGSTORE": "tagged",
		"ADMIN_ACCOUNT_ID": trailAccounts[0], "RESOURCE_AK_ID": "ak", "RESOURCE_AK_KEY": "secret",
		"STS_ENDPOINT": api, "TAG_ENDPOINT": api, "ECS_ENDPOINT": api, "SLB_ENDPOINT": api,
		"STATE_URL": "file://" + filepath.Join(dir, "state") + "?create_dir=true", "BENCH_EVENTS": strconv.Itoa(events),
	}
	return w, nil
}

func (w *trailWorld) close() {
	w.sls.Close()
	w.cloud.Close()
	_ = os.RemoveAll(w.dir)
}

// calls counts the API calls so far.
func (w *trailWorld) calls() (n int) {
	for _, calls := range w.cloud.Calls() {
		n += calls
	}
	return n
}

// drain has the function drain everything.
func (w *trailWorld) drain(ctx context.Context) (u usage, took time.Duration, err error) {
	p, err := self(ctx, w.dir, w.env, "trailtags", "function")
	if err != nil {
		return u, 0, err
	}
	defer p.kill()
	if err := p.ready(ctx); err != nil {
		return u, 0, err
	}
	began := time.Now()
	var r trailtags.Receipt
	if err := p.trigger(ctx, "", &r); err != nil {
		return u, 0, err
	}
	took = time.Since(began)
	if r.Out != trailEvents || r.TagStatus["found"] != trailEvents {
		return u, 0, fmt.Errorf("%d rows, tagStatus %v, want %d that are found", r.Out, r.TagStatus, trailEvents)
	}
	u, err = p.stop()
	return u, took, err
}

// rival has the loop take some events, of as many resources.
func trailRival(ctx context.Context) (rate, calls float64, err error) {
	w, err := newTrailWorld(trailRivalEvents, trailRivalEvents)
	if err != nil {
		return 0, 0, err
	}
	defer w.close()
	p, err := self(ctx, w.dir, w.env, "trailtags", "floor")
	if err != nil {
		return 0, 0, err
	}
	defer p.kill()
	u, err := p.wait()
	return trailRivalEvents / u.CPU.Seconds(), float64(w.calls()) / trailRivalEvents, err
}

func trailtagsDistinct(ctx context.Context, t *table) error {
	rival, rivalCalls, err := trailRival(ctx)
	if err != nil {
		return fmt.Errorf("the loop: %w", err)
	}
	for _, percent := range []int{1, 50, 100} {
		if err := trailtagsAt(ctx, t, percent, rival, rivalCalls); err != nil {
			return fmt.Errorf("%d %%: %w", percent, err)
		}
	}
	return nil
}

func trailtagsAt(ctx context.Context, t *table, percent int, rival, rivalCalls float64) error {
	w, err := newTrailWorld(trailEvents, trailEvents*percent/100)
	if err != nil {
		return err
	}
	defer w.close()
	u, took, err := w.drain(ctx)
	if err != nil {
		return err
	}
	rate := trailEvents / u.CPU.Seconds()
	calls := float64(w.calls()) / trailEvents
	of := fmt.Sprintf(", %d %% distinct", percent)
	r := t.add("events a core-second"+of, fmt.Sprintf("%.0f", rate)).against(fmt.Sprintf("%.0f, three calls an event", rival), rate/rival)
	if percent == 1 {
		r.want("≥ 50,000", rate >= 50_000)
	}
	c := t.add("API calls an event"+of, fmt.Sprintf("%.4f", calls)).against(fmt.Sprintf("%.2f", rivalCalls), calls/rivalCalls)
	if percent == 1 {
		c.want("≤ 0.05", calls <= 0.05)
	}
	t.add("RSS"+of, mib(u.PeakRSS)).want("≤ 128 MiB", u.PeakRSS <= 128<<20)
	t.add("events a second by the clock"+of, fmt.Sprintf("%.0f", trailEvents/took.Seconds()))
	return nil
}
