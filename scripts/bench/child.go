package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/serve"
)

// childResult is what a child process tells of itself, in the file named by
// BENCH_RESULT.
type childResult struct {
	PeakHeap uint64        `json:"peak_heap"` // bytes of heap objects, dead ones included
	PeakLive uint64        `json:"peak_live"` // bytes of it that a collection found in use
	PeakGo   uint64        `json:"peak_go"`   // bytes the Go runtime holds, not given back
	PeakRSS  uint64        `json:"peak_rss"`  // bytes
	Cycles   uint64        `json:"cycles"`    // garbage collections
	Took     time.Duration `json:"took"`      // by a floor
}

// child is a measured process: "<suite> function" serves until SIGTERM,
// "<suite> floor" does its work and ends.
func child(ctx context.Context, all []suite, args []string) error {
	if len(args) != 2 {
		return errors.New("child: want a function, and function or floor")
	}
	s, err := find(all, args[0])
	if err != nil {
		return err
	}
	end, err := profile(args[0] + "-" + args[1])
	if err != nil {
		return err
	}
	stop := watch()
	began := time.Now()
	if args[1] == "floor" {
		err = s.floor(ctx)
	} else {
		serve.Main(s.name, s.build)
	}
	res := stop()
	res.Took = time.Since(began)
	res.PeakRSS = peakRSS()
	data, jsonErr := json.Marshal(res)
	return errors.Join(err, end(), jsonErr, os.WriteFile(os.Getenv("BENCH_RESULT"), data, 0o600)) //nolint:gosec // the caller names it
}

// watch samples the process's memory a thousand times a second.
func watch() (stop func() childResult) {
	const heap, live, total, released, cycles = 0, 1, 2, 3, 4
	samples := []metrics.Sample{
		heap:     {Name: "/memory/classes/heap/objects:bytes"},
		live:     {Name: "/gc/heap/live:bytes"},
		total:    {Name: "/memory/classes/total:bytes"},
		released: {Name: "/memory/classes/heap/released:bytes"},
		cycles:   {Name: "/gc/cycles/total:gc-cycles"},
	}
	var res childResult
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(time.Millisecond); ; {
			metrics.Read(samples)
			res.PeakHeap = max(res.PeakHeap, samples[heap].Value.Uint64())
			res.PeakLive = max(res.PeakLive, samples[live].Value.Uint64())
			res.PeakGo = max(res.PeakGo, samples[total].Value.Uint64()-samples[released].Value.Uint64())
			res.Cycles = samples[cycles].Value.Uint64()
			select {
			case <-quit:
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	}()
	return func() childResult { close(quit); <-done; return res }
}

// peakRSS is this process's VmHWM. What wait4 reports will not do: across exec
// Linux carries over the peak of the parent, which holds the emulated service.
func peakRSS() uint64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0 // not Linux
	}
	for line := range strings.Lines(string(status)) {
		var kib uint64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// profile writes profiles called name to the directory BENCH_PROFILE, if set.
func profile(name string) (end func() error, err error) {
	dir := os.Getenv("BENCH_PROFILE")
	if dir == "" {
		return func() error { return nil }, nil
	}
	runtime.MemProfileRate = 64 << 10
	cpu, err := os.Create(filepath.Join(dir, name+".cpu"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		mem, err := os.Create(filepath.Join(dir, name+".mem"))
		if err != nil {
			return err
		}
		return errors.Join(pprof.WriteHeapProfile(mem), mem.Close(), cpu.Close())
	}, nil
}
