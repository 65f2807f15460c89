package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pierrec/lz4/v4"

	"github.com/siemfeed/siemfeed/functions/slshec"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
)

func slshecSuite() suite {
	return suite{
		name: "slshec", build: slshec.New, floor: slshecRival,
		cases: []benchCase{
			{"gzip", "raw MB a core-second with gzip, beside the bare byte work and the SDK's consumer", slshecGzip},
			{"wide", "the same with logs of 1.2 KB", slshecWide},
			{"plain", "the same without gzip, and beside one request an event", slshecPlain},
			{"json", "ActionTrail's events embedded as JSON, beside the same as strings", slshecJSON},
			{"shards", "throughput and memory from 1 to 64 shards, 10 minutes of logs waiting in each", slshecShards},
		},
	}
}

// What lies in a page: 5 MB of audit logs, as LogGroups.
const (
	slsGroups    = 200
	slsGroupLogs = 60
	slsPageLogs  = slsGroups * slsGroupLogs
)

// slsLogs are logs of one kind, so many in a group that a page of them is as
// large as one of any other.
type slsLogs struct {
	group func(g *emulator.Generator, logs int) []byte
	logs  int
}

var (
	auditLogs  = slsLogs{(*emulator.Generator).Group, slsGroupLogs} // some fields of some bytes, 400 in all
	accessLogs = slsLogs{(*emulator.Generator).Access, 20}          // thirty fields, 1.2 KB
	trailLogs  = slsLogs{(*emulator.Generator).Trail, 20}           // one field that holds JSON, 1.3 KB
)

// slsWorld is an emulated logstore whose shards hold one page over and over,
// ready compressed, and a collector that counts lines: both cost this process
// little, and the child nothing.
type slsWorld struct {
	sls    *emulator.Server
	hec    *splunk.Server
	groups [][]byte
	logs   int64  // in a page
	list   []byte // the page as it is encoded
	dir    string
	env    map[string]string
	runs   int
}

func newSLSWorld(shards int, of slsLogs) (*slsWorld, error) {
	dir, err := os.MkdirTemp("", "siemfeed-bench-")
	if err != nil {
		return nil, err
	}
	const token = "00000000-0000-0000-0000-000000000000"
	w := &slsWorld{
		sls:  emulator.New(emulator.Options{Shards: shards}).Start(),
		hec:  splunk.New(splunk.Options{Tokens: []splunk.Token{{Value: token}}, CountOnly: true}).Start(),
		logs: int64(slsGroups * of.logs),
		dir:  dir,
	}
	gen := emulator.NewGenerator(1)
	gen.Start = time.Now().Add(-10 * time.Minute).Truncate(time.Second) // times of the same length in every run
	for range slsGroups {
		g := of.group(gen, of.logs)
		w.groups = append(w.groups, g)
		w.list = append(binary.AppendUvarint(append(w.list, 1<<3|2), uint64(len(g))), g...)
	}
	w.env = map[string]string{
		"SLS_ENDPOINT": w.sls.URL(), "SLS_AK_ID": "ak", "SLS_AK_KEY": "secret",
		"SLS_PROJECT": "project", "SLS_LOGSTORE": "logstore", "SLS_START": "begin",
		"HEC_URL": w.hec.URL(), "HEC_TOKEN": token,
		"STATE_URL": "file://" + filepath.Join(dir, "state") + "?create_dir=true",
	}
	return w, nil
}

func (w *slsWorld) close() {
	w.sls.Close()
	w.hec.Close()
	_ = os.RemoveAll(w.dir)
}

// hold makes each shard hold so many pages, for a consumer group that has read
// nothing yet, and returns how many logs that is in all.
func (w *slsWorld) hold(pages int64) int64 {
	w.runs++
	w.env["SLS_CG"] = fmt.Sprint("run-", w.runs)
	w.env["BENCH_PAGES"] = strconv.FormatInt(pages, 10)
	ids, _ := w.sls.Logstore().ShardIDs()
	w.sls.Logstore().Loop(pages, w.groups, ids...)
	return pages * w.logs * int64(len(ids))
}

// cost is what it took to forward so many raw bytes.
type cost struct {
	usage
	raw int64
}

// rate is raw MB a core-second: bytes of encoded LogGroups over the processor
// time that the process took in its whole life.
func (c cost) rate() float64 { return float64(c.raw) / 1e6 / c.CPU.Seconds() }

// forward has the function drain so many pages a shard.
func (w *slsWorld) forward(ctx context.Context, pages int64, gzip bool) (cost, error) {
	logs := w.hold(pages)
	before := w.hec.Stats().Events
	p, err := self(ctx, w.dir, w.with("HEC_GZIP", strconv.FormatBool(gzip)), "slshec", "function")
	if err != nil {
		return cost{}, err
	}
	defer p.kill()
	if err := p.ready(ctx); err != nil {
		return cost{}, err
	}
	var r slshec.Receipt
	if err := p.trigger(ctx, "", &r); err != nil {
		return cost{}, err
	}
	if got := w.hec.Stats().Events - before; r.Out != logs || got != logs {
		return cost{}, fmt.Errorf("%d of %d logs in the receipt, %d at the receiver", r.Out, logs, got)
	}
	u, err := p.stop()
	return cost{u, r.BytesIn}, err
}

// rival has one of the rivals do it.
func (w *slsWorld) rival(ctx context.Context, name string, pages int64, gzip bool) (cost, error) {
	logs := w.hold(pages)
	before := w.hec.Stats().Events
	env := w.with("HEC_GZIP", strconv.FormatBool(gzip))
	env["BENCH_RIVAL"] = name
	p, err := self(ctx, w.dir, env, "slshec", "floor")
	if err != nil {
		return cost{}, err
	}
	defer p.kill()
	u, err := p.wait()
	if err != nil {
		return cost{}, err
	}
	if got := w.hec.Stats().Events - before; name != byteWork && got != logs {
		return cost{}, fmt.Errorf("%s: %d of %d logs at the receiver", name, got, logs)
	}
	return cost{u, logs / w.logs * int64(len(w.list))}, nil
}

func (w *slsWorld) with(name, value string) map[string]string {
	env := maps.Clone(w.env)
	env[name] = value
	return env
}

// keep writes down a page as it travels, and the body that the function makes
// of it, for those who only do the byte work.
func (w *slsWorld) keep(ctx context.Context) error {
	packed := make([]byte, lz4.CompressBlockBound(len(w.list)))
	n, err := lz4.CompressBlock(w.list, packed, nil)
	if err != nil || n == 0 {
		return errors.Join(errors.New("the page does not compress"), err)
	}
	var body bytes.Buffer
	record := make(chan struct{}, 1)
	w.hec.Set(func(o *splunk.Options) {
		o.CountOnly = false
		o.OnAccept = func(events []splunk.Event) {
			record <- struct{}{}
			defer func() { <-record }()
			for _, e := range events {
				body.Write(e.Raw)
				body.WriteByte('\n')
			}
		}
	})
	if _, err := w.forward(ctx, 1, false); err != nil {
		return err
	}
	w.hec.Set(func(o *splunk.Options) { o.CountOnly, o.OnAccept = true, nil })
	return errors.Join(
		os.WriteFile(filepath.Join(w.dir, "page"), packed[:n], 0o600),
		os.WriteFile(filepath.Join(w.dir, "body"), body.Bytes(), 0o600))
}
