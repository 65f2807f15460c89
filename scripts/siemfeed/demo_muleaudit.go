package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// demoMuleaudit exports a day of audit events, is killed half-way, goes on,
// finds late events, and proves at last that each is there once.
func demoMuleaudit(ctx context.Context, dir string) error {
	const events, late = 20_000, 3
	heading("muleaudit: MuleSoft Anypoint audit log → gzip NDJSON in a bucket")

	api := emulator.New(emulator.Options{Latency: 15 * time.Millisecond, Gzip: true}).Start()
	defer api.Close()
	now := time.Now().UTC()
	g := emulator.Generated{Seed: 1, N: events, From: now.Add(-23 * time.Hour), To: now.Add(-10 * time.Minute), Large: 50_000, LargeEvery: 2000}
	if err := api.Add("demo-org", emulator.Generate("demo-org", g)...); err != nil {
		return err
	}
	dir = filepath.Join(dir, "muleaudit")
	env := map[string]string{
		"MULE_ORG_ID": "demo-org", "CLIENT_ID": "client", "CLIENT_SECRET": "secret", "MULE_BASE_URL": api.URL(),
		"MULE_RATE_PER_MIN": "60000",
		"OUTPUT_URL":        "file://" + dir + "/siem?create_dir=true",
		"STATE_URL":         demoState(dir),
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	pages := int64(events/200 + 24 + 24)
	say("an emulated control plane holds %s events of the last day; the function serves HTTP as it does on Cloud Run", count(events))

	fn, err := startFunction(ctx, "muleaudit", dir, env)
	if err != nil {
		return err
	}
	say("trigger, and kill -9 the function half-way:")
	var r muleaudit.Receipt
	counted, stop := newScreen(os.Stderr).Watch(ctx, "demo", "pages")
	progress.Expect(counted, pages)
	bar := counter{ctx: counted}
	queries := func() int64 { return int64(api.Metrics().Requests["query"]) }
	err = fn.interrupt(ctx, scheduled(), func() bool {
		bar.set(queries())
		return queries() >= pages/2
	})
	stop()
	if err != nil {
		return err
	}
	written, err := filepath.Glob(dir + "/siem/*/*/*/*.gz")
	if err != nil {
		return err
	}
	say("killed: %d objects were out, nothing half-written among them", len(written))

	if fn, err = startFunction(ctx, "muleaudit", dir, env); err != nil {
		return err
	}
	defer func() { _ = fn.kill() }()
	var rows [][]string
	rows = append(rows, []string{"RUN", "STATUS", "IN", "OUT", "FILTERED", "OBJECTS", "LATE", "PAGES", "BYTES OUT", "TIME"})
	step := func(name string) error {
		r = muleaudit.Receipt{}
		if err := fn.trigger(ctx, scheduled(), &r); err != nil {
			return err
		}
		o := r.Orgs[0]
		rows = append(rows, []string{
			name, string(r.Status), count(r.In), count(r.Out), count(r.Filtered), fmt.Sprint(len(o.Objects) + len(o.Recovered)),
			fmt.Sprint(o.Late), fmt.Sprint(o.Pages), size(r.BytesOut), r.FinishedAt.Sub(r.StartedAt).Round(time.Millisecond).String(),
		})
		return nil
	}
	if err := step("started again"); err != nil {
		return err
	}
	if err := step("triggered again"); err != nil {
		return err
	}
	lateEvents := emulator.Generate("demo-org", emulator.Generated{Seed: 2, N: late, From: now.Add(-20 * time.Minute), To: now.Add(-10 * time.Minute)})
	if err := api.Add("demo-org", lateEvents...); err != nil {
		return err
	}
	if err := step(fmt.Sprintf("%d events came late", late)); err != nil {
		return err
	}
	table(os.Stdout, rows)
	if len(r.Orgs[0].Objects) > 0 {
		say("the late ones are in %s", r.Orgs[0].Objects[0].Name)
	}

	say("did everything arrive?")
	if err := proveMuleaudit(ctx, env); err != nil {
		return err
	}
	return fn.prove(ctx, time.Now().Add(-6*time.Minute)) // of which MULE_SETTLE is five
}

func proveMuleaudit(ctx context.Context, env map[string]string) error {
	rt, err := serve.NewRuntime(ctx, envconfig.MapLookuper(map[string]string{"LOG_LEVEL": "error"}), "muleaudit", serve.OnStderr)
	if err != nil {
		return err
	}
	f, err := muleaudit.Open(ctx, envconfig.MapLookuper(env), rt)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	list, err := f.Verify(ctx, muleaudit.VerifyOptions{Deep: true})
	if err != nil {
		return err
	}
	a := muleauditVerified(list)
	a.text(os.Stdout)
	if a.found() || list[0].Events != list[0].APITotal {
		return errors.New("events are missing")
	}
	return nil
}
