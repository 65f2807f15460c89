package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/slshec"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/serve"
	"github.com/siemfeed/siemfeed/pkg/trigger"
)

func slshecSuite() suite {
	return suite{
		name: "slshec", build: slshec.New, floor: slshecFloor,
		cases: []benchCase{
			{"gzip", "raw MB a CPU second, gzip on, beside lz4 and gzip alone", slshecGzip},
			{"plain", "raw MB a CPU second, gzip off, beside a copy, one event a request, and the SDK's consumer", slshecPlain},
			{"shards", "throughput and memory from 1 to 64 shards", slshecShards},
		},
	}
}

// slsWorld is an emulated logstore whose shards hold one block of audit logs
// again and again, a stand-in for Splunk that counts, and a place for the state.
type slsWorld struct {
	sls    *emulator.Server
	hec    *splunk.Server
	dir    string
	env    map[string]string
	groups [][]byte
	raw    int64 // bytes of a block
	logs   int64 // in a block
}

const slsBlock = 4 << 20

func newSLSWorld(ctx context.Context, shards int, env map[string]string) (*slsWorld, error) {
	dir, err := os.MkdirTemp("", "siemfeed-bench-")
	if err != nil {
		return nil, err
	}
	w := &slsWorld{
		sls: emulator.New(emulator.Options{Shards: shards}).Start(),
		hec: splunk.New(splunk.Options{Tokens: []splunk.Token{{Value: "token"}}, CountOnly: true}).Start(),
		dir: dir,
	}
	gen := emulator.NewGenerator(1)
	for w.raw < slsBlock {
		g := gen.Group(100)
		w.groups = append(w.groups, g)
		w.raw += int64(len(g))
		w.logs += 100
	}
	u, err := url.Parse(w.sls.URL())
	if err != nil {
		return nil, err
	}
	w.env = map[string]string{
		"SLS_ENDPOINT": u.Host, "SLS_AK_ID": "ak", "SLS_AK_KEY": "secret",
		"SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_CG": "bench", "SLS_START": "begin",
		"HEC_URL": w.hec.URL(), "HEC_TOKEN": "token", "STATE_URL": "file://" + filepath.Join(dir, "state") + "?create_dir=true",
		"LOG_LEVEL": "error",
	}
	maps.Copy(w.env, env)
	return w, w.writeBody(ctx)
}

func (w *slsWorld) close() {
	w.hec.Close()
	w.sls.Close()
	_ = os.RemoveAll(w.dir)
}

// fill gives every shard so many blocks.
func (w *slsWorld) fill(blocks int) {
	ids, _ := w.sls.Logstore().ShardIDs()
	w.sls.Logstore().Loop(int64(blocks), w.groups, ids...)
}

// body is where a floor finds the events that a block becomes.
func (w *slsWorld) body() string { return filepath.Join(w.dir, "body") }

// writeBody has the function make the events of a block, and keeps them.
func (w *slsWorld) writeBody(ctx context.Context) error {
	var body bytes.Buffer
	one := emulator.New(emulator.Options{Shards: 1}).Start()
	defer one.Close()
	hec := splunk.New(splunk.Options{Tokens: []splunk.Token{{Value: "token"}}, OnAccept: func(events []splunk.Event) {
		for _, e := range events {
			body.Write(e.Raw)
			body.WriteByte('\n')
		}
	}}).Start()
	defer hec.Close()
	one.Logstore().Append(0, w.groups...)
	u, err := url.Parse(one.URL())
	if err != nil {
		return err
	}
	env := maps.Clone(w.env)
	maps.Copy(env, map[string]string{"SLS_ENDPOINT": u.Host, "HEC_URL": hec.URL(), "HEC_CONCURRENCY": "1", "STATE_URL": "mem://"})
	rt, err := serve.NewRuntime(ctx, envconfig.MapLookuper(env))
	if err != nil {
		return err
	}
	f, err := slshec.New(ctx, envconfig.MapLookuper(env), rt)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Run(ctx, trigger.Event{Kind: trigger.Tick}); err != nil {
		return err
	}
	return os.WriteFile(w.body(), body.Bytes(), 0o600)
}

// measure has the function drain blocks blocks a shard, and returns the raw MB
// a CPU second and a second, and what the process took.
func (w *slsWorld) measure(ctx context.Context, shards, blocks int) (perCPU, perSecond float64, used usage, err error) {
	w.fill(blocks)
	p, err := self(ctx, w.dir, w.env, "slshec", "function")
	if err != nil {
		return 0, 0, used, err
	}
	defer p.kill()
	if err := p.ready(ctx); err != nil {
		return 0, 0, used, err
	}
	before, err := p.cpu()
	if err != nil {
		return 0, 0, used, err
	}
	began := time.Now()
	var r slshec.Receipt
	if err := p.trigger(ctx, "", &r); err != nil {
		return 0, 0, used, err
	}
	took := time.Since(began)
	after, err := p.cpu()
	if err != nil {
		return 0, 0, used, err
	}
	if want := w.logs * int64(shards*blocks); r.Out != want {
		return 0, 0, used, fmt.Errorf("%d of %d logs were delivered: %s", r.Out, want, r.Error)
	}
	mb := float64(w.raw*int64(shards*blocks)) / 1e6
	used, err = p.stop()
	return mb / (after - before).Seconds(), mb / took.Seconds(), used, err
}

// beside runs a floor over so many blocks, and returns its raw MB a CPU second.
func (w *slsWorld) beside(ctx context.Context, kind string, blocks int) (float64, error) {
	w.fill(blocks)
	env := maps.Clone(w.env)
	maps.Copy(env, map[string]string{"BENCH_FLOOR": kind, "BENCH_BODY": w.body(), "BENCH_BLOCKS": fmt.Sprint(blocks), "SLS_CG": "bench-" + kind})
	p, err := self(ctx, w.dir, env, "slshec", "floor")
	if err != nil {
		return 0, err
	}
	defer p.kill()
	used, err := p.wait()
	if err != nil {
		return 0, err
	}
	return float64(w.raw*int64(blocks)) / 1e6 / used.CPU.Seconds(), nil
}

func mbs(f float64) string { return fmt.Sprintf("%.0f MB/s", f) }

func slshecGzip(ctx context.Context, t *table) error {
	w, err := newSLSWorld(ctx, 4, nil)
	if err != nil {
		return err
	}
	defer w.close()
	floor, err := w.beside(ctx, "gzip", 100)
	if err != nil {
		return err
	}
	got, wall, used, err := w.measure(ctx, 4, 40)
	if err != nil {
		return err
	}
	t.add("raw MB a CPU second", mbs(got)).against(mbs(floor)+" lz4 and gzip alone", got/floor).want("≥ 0.60", got/floor >= 0.6)
	t.add("raw MB a second", mbs(wall))
	t.add("peak RSS", mib(used.PeakRSS)).want("≤ 128 MiB", used.PeakRSS <= 128<<20)
	return nil
}

func slshecPlain(ctx context.Context, t *table) error {
	w, err := newSLSWorld(ctx, 4, map[string]string{"HEC_GZIP": "false"})
	if err != nil {
		return err
	}
	defer w.close()
	floor, err := w.beside(ctx, "copy", 200)
	if err != nil {
		return err
	}
	one, err := w.beside(ctx, "one", 4)
	if err != nil {
		return err
	}
	sdk, err := w.beside(ctx, "sdk", 10)
	if err != nil {
		return err
	}
	got, wall, _, err := w.measure(ctx, 4, 80)
	if err != nil {
		return err
	}
	t.add("raw MB a CPU second", mbs(got)).against(mbs(floor)+" lz4 and a copy alone", got/floor)
	t.add("  beside the vendor's sample", mbs(got)).against(mbs(one)+" one event a request", got/one).want("≥ 15", got/one >= 15)
	t.add("  beside the SDK's consumer", mbs(got)).against(mbs(sdk)+" encoding/json, same batches", got/sdk)
	t.add("raw MB a second", mbs(wall))
	return nil
}

func slshecShards(ctx context.Context, t *table) error {
	for _, shards := range []int{1, 4, 16, 64} {
		w, err := newSLSWorld(ctx, shards, nil)
		if err != nil {
			return err
		}
		got, wall, used, err := w.measure(ctx, shards, 128/shards)
		w.close()
		if err != nil {
			return err
		}
		t.add(fmt.Sprintf("%d shards, raw MB a CPU second", shards), mbs(got))
		t.add("  raw MB a second", mbs(wall))
		t.add("  peak RSS", mib(used.PeakRSS)).want("≤ 128 MiB", used.PeakRSS <= 128<<20)
	}
	return nil
}
