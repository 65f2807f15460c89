package slshec_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/siemfeed/siemfeed/functions/slshec"
	splunk "github.com/siemfeed/siemfeed/pkg/emulator/hec"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/sls"
	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// TestMemoryOfManyShards lets 64 shards wait, each with answers of megabytes, and
// looks at the most memory the process ever had.
func TestMemoryOfManyShards(t *testing.T) {
	if scale > 1 {
		t.Skip("about the memory of a process, which has no race detector")
	}
	bin := proctest.Build(t, "./cmd/slshec")
	const shards, most = 64, 128 << 20
	w := newWorld(t, emulator.Options{Shards: shards}, splunk.Options{CountOnly: true}, map[string]string{"HEC_BATCH_BYTES": "1048576"})
	gen := emulator.NewGenerator(1)
	var groups [][]byte
	size := 0
	for size < 9<<20 {
		g := gen.Group(100)
		groups = append(groups, g)
		size += len(g)
	}
	ids, _ := w.Store.ShardIDs()
	const times = 1
	w.Store.Loop(times, groups, ids...)
	p := proctest.Start(t, bin, w.Env)
	status, body, err := p.Post(t.Context(), "", nil)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, body, err)
	}
	var r slshec.Receipt
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	if want := int64(shards * times * len(groups) * 100); r.Out != want {
		t.Errorf("%d of %d logs", r.Out, want)
	}
	peak := peakMemory(t, p.PID())
	t.Logf("%d MB of %d shards within %d MiB", r.BytesIn/1e6, shards, peak>>20)
	if peak > most {
		t.Errorf("the process had %d MiB", peak>>20)
	}
	p.Kill()
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := highWater.FindSubmatch(text)
	if m == nil {
		t.Fatalf("no peak in %s", text)
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
