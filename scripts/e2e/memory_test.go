package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// TestMemory holds the function to its bound where most of the events are in
// one slice, with what Google's client buffers added. It runs in the measuring
// process of scripts/bench, which samples its own heap.
func TestMemory(t *testing.T) {
	result := filepath.Join(t.TempDir(), "result.json")
	w := newWorld(t, emulator.Options{}, map[string]string{"BENCH_RESULT": result})
	hour := time.Now().Truncate(time.Hour).Add(-3 * time.Hour)
	w.api.AddSynthetic("org-1", emulator.Synthetic{Seed: 6, N: 300_000, From: hour, To: hour.Add(time.Hour)})
	p := w.start(build(t, "./scripts/bench"), "child", "muleaudit", "function")
	defer p.kill()
	if status := p.trigger(); status != http.StatusOK {
		t.Fatalf("the run answered %d\n%s", status, p.log)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, p.log)
	}
	data, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	var used struct {
		Peak uint64 `json:"peak_heap"`
	}
	if err := json.Unmarshal(data, &used); err != nil || used.Peak == 0 || used.Peak > 64<<20 {
		t.Errorf("peak heap %d bytes, want at most 64 MiB; %v", used.Peak, err)
	}
	t.Logf("%s", data)
}
