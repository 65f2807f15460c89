package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/slshec"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/receipt"
	"github.com/siemfeed/siemfeed/pkg/retry"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// demoSlshec forwards four shards, is killed half-way, goes on, has some events
// refused, and proves at last that each log is in Splunk or in quarantine.
func demoSlshec(ctx context.Context, dir string) error {
	const shards, groups, logs = 4, 250, 100
	heading("slshec: Alibaba Cloud Log Service → Splunk HEC")

	store := emulator.New(emulator.Options{Shards: shards, MaxPullBytes: 1 << 20}).Start()
	defer store.Close()
	gen := emulator.NewGenerator(1)
	fill := func(groups int) {
		for range groups {
			for id := range shards {
				store.Logstore().Append(id, gen.Group(logs))
			}
		}
	}
	fill(groups)
	refuse := func(e splunk.Event) int {
		if strings.HasSuffix(e.ID, "7:42") {
			return 15
		}
		return 0
	}
	hec := splunk.New(splunk.Options{Tokens: []splunk.Token{{Value: "demo-token"}}, Latency: 10 * time.Millisecond, Refuse: refuse}).Start()
	defer hec.Close()
	u, err := url.Parse(store.URL())
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, "slshec")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	env := map[string]string{
		"SLS_ENDPOINT": u.Host, "SLS_AK_ID": "ak", "SLS_AK_KEY": "secret",
		"SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": "demo", "SLS_START": "begin", "SLS_GROUP_TIMEOUT": "5s", "SLS_HEARTBEAT": "500ms",
		"HEC_URL": hec.URL(), "HEC_TOKEN": "demo-token", "HEC_BATCH_BYTES": "262144", "LEASE_TTL": "5s",
		"STATE_URL": demoState(dir),
	}
	say("an emulated logstore holds %s logs in %d shards; Splunk's stand-in refuses one event in a thousand", count(shards*groups*logs), shards)

	fn, err := startFunction(ctx, "slshec", dir, env)
	if err != nil {
		return err
	}
	say("trigger, and kill -9 the function half-way:")
	var r slshec.Receipt
	counted, stop := newScreen(os.Stderr).Watch(ctx, "demo", "events")
	progress.Expect(counted, int64(shards*groups*logs))
	bar := counter{ctx: counted}
	err = fn.interrupt(ctx, struct{}{}, func() bool {
		bar.set(hec.Stats().Events)
		return hec.Stats().Events >= shards*groups*logs/2
	})
	stop()
	if err != nil {
		return err
	}
	say("killed: %s events were accepted", count(hec.Stats().Events))

	if fn, err = startFunction(ctx, "slshec", dir, env); err != nil {
		return err
	}
	defer func() { _ = fn.kill() }()
	rows := [][]string{{"RUN", "STATUS", "IN", "OUT", "QUARANTINED", "BYTES OUT", "TIME"}}
	step := func(name string) error {
		for busy := false; ; busy = true {
			r = slshec.Receipt{}
			if err := fn.trigger(ctx, struct{}{}, &r); err != nil {
				return err
			}
			if r.Status != receipt.Busy {
				break
			}
			if !busy {
				say("the killed run's lease still holds: a tick is answered %q", r.Status)
			}
			if err := retry.Sleep(ctx, 100*time.Millisecond); err != nil {
				return err
			}
		}
		rows = append(rows, []string{
			name, string(r.Status), count(r.In), count(r.Out), count(r.Quarantined), size(r.BytesOut), r.FinishedAt.Sub(r.StartedAt).Round(time.Millisecond).String(),
		})
		return nil
	}
	if err := step("started again"); err != nil {
		return err
	}
	fill(20)
	if err := step(fmt.Sprintf("%s logs came in", count(20*shards*logs))); err != nil {
		return err
	}
	table(os.Stdout, rows)

	say("did everything arrive?")
	if err := proveSlshec(ctx, env, store.Logstore(), hec); err != nil {
		return err
	}
	return fn.prove(ctx, time.Now())
}

// proveSlshec looks for each log in Splunk and in quarantine, replays what was
// refused, and has the receipts checked against SLS.
func proveSlshec(ctx context.Context, env map[string]string, store *emulator.Logstore, hec *splunk.Server) error {
	rt, err := serve.NewRuntime(ctx, envconfig.MapLookuper(map[string]string{"LOG_LEVEL": "error"}), "slshec", serve.OnStderr)
	if err != nil {
		return err
	}
	f, err := slshec.Open(ctx, envconfig.MapLookuper(env), rt)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	hec.Set(func(o *splunk.Options) { o.Refuse = nil })
	done, err := f.Replay(ctx)
	if err != nil {
		return err
	}
	say("the refusals mended, a replay of the quarantine delivers %s events", count(int64(done.Accepted)))
	missing, total := 0, 0
	ids, _ := store.ShardIDs()
	for _, id := range ids {
		first, _ := store.Range(id)
		for i, g := range store.Groups(id) {
			for j := range g.Logs {
				total++
				if hec.Accepted(fmt.Sprintf("%d:%d:%d", id, first+int64(i), j)) == 0 {
					missing++
				}
			}
		}
	}
	say("of %s logs Splunk's stand-in misses %d; %s arrived twice, through the kill, with the same id", count(int64(total)), missing, count(int64(hec.Repeats())))
	list, err := f.Verify(ctx, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	if missing > 0 {
		return errors.New("logs are missing")
	}
	a := shardsVerified("slshec", list)
	a.text(os.Stdout)
	if a.found() {
		return errors.New("not all is as it has to be")
	}
	return nil
}
