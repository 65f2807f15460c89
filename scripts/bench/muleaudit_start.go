package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/siemfeed/siemfeed/functions/muleaudit"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
)

// deployable builds the binary of a function as it is deployed.
func deployable(ctx context.Context, dir, function string) (string, error) {
	out := filepath.Join(dir, function)
	pkg := "github.com/siemfeed/siemfeed/functions/" + function + "/cmd/" + function
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "disable_grpc_modules", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, msg)
	}
	return out, nil
}

// muleauditStart starts the real binary again and again.
func muleauditStart(ctx context.Context, t *table) error {
	w, err := newMuleWorld(emulator.Options{}, nil)
	if err != nil {
		return err
	}
	defer w.close()
	binary, err := deployable(ctx, w.dir, "muleaudit")
	if err != nil {
		return err
	}
	const starts = 21
	var served, answered, refused []time.Duration
	for range starts {
		// What of it is loading the program and checking its configuration: without
		// one it ends by itself.
		began := time.Now()
		p, err := start(ctx, w.dir, nil, binary)
		if err != nil {
			return err
		}
		var exit *exec.ExitError
		if err := p.cmd.Wait(); !errors.As(err, &exit) {
			return fmt.Errorf("without configuration it did not fail: %w", err)
		}
		refused = append(refused, time.Since(began))

		began = time.Now()
		if p, err = start(ctx, w.dir, w.env, binary); err != nil {
			return err
		}
		err = p.ready(ctx)
		served = append(served, time.Since(began))
		if err == nil {
			err = p.trigger(ctx, "", new(muleaudit.Receipt))
			answered = append(answered, time.Since(began))
		}
		p.kill()
		if err != nil {
			return err
		}
	}
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	t.add(fmt.Sprintf("first request served, median of %d", starts), ms(median(served))).
		against(ms(median(refused))+" to refuse an empty configuration", float64(median(served))/float64(median(refused))).
		want("≤ 100 ms", median(served) <= 100*time.Millisecond)
	t.add("first run of an empty day answered", ms(median(answered)))
	t.add("stripped binary", mib(uint64(info.Size()))).want("≤ 40 MiB", info.Size() <= 40<<20)
	return nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", d.Seconds()*1000) }
