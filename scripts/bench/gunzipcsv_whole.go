package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
)

// turns is how often each figure is taken, in turns: what else the machine
// does meanwhile meets all of them.
const turns = 3

func gunzipcsvWhole(open func(context.Context, *gunzipWorld) (*store, error)) func(context.Context, *table) error {
	return func(ctx context.Context, t *table) error {
		return errors.Join(
			gunzipcsvOne(ctx, t, open, logpush.CSV, 0.8),
			gunzipcsvOne(ctx, t, open, logpush.NDJSON, 0.6),
		)
	}
}

// What the profile says of the rest: the function's processor time is that of
// its two parts plus the SHA-256 of the target, for its receipt (0.25 s a GB of
// output), and three copies between the stages (0.15 s); on files, half of the
// writing is the driver's MD5. NDJSON adds the conversion, 0.6 s a GB, and has
// less to write. On two cores no part waits for another but where these sums,
// and those of a server on the same machine, leave no core idle.

// gunzipcsvOne converts one object of 1 GB from bucket to bucket, beside the two
// things that cannot be had for less: to unpack it, to nowhere, and to write
// what was unpacked to the same store, from memory.
func gunzipcsvOne(ctx context.Context, t *table, open func(context.Context, *gunzipWorld) (*store, error), format logpush.Format, goal float64) error {
	w, err := newGunzipWorld(1)
	if err != nil {
		return err
	}
	defer w.close()
	s, err := open(ctx, w)
	if err != nil {
		return err
	}
	defer s.close()
	const key = "a.log.gz"
	plain, err := w.object(key, 1<<30, format)
	if err != nil {
		return err
	}
	if err := s.put(ctx, key); err != nil {
		return err
	}
	if err := w.sample(plain, format); err != nil {
		return err
	}
	var gunzip, write, whole, cpu, gunzipCPU, writeCPU samples
	var ratios []float64
	for range turns {
		g, err := w.floor(ctx, "gunzip")
		if err != nil {
			return err
		}
		p, err := w.floor(ctx, "write")
		if err != nil {
			return err
		}
		if err := s.clear(); err != nil {
			return err
		}
		took, busy, err := w.once(ctx, key)
		if err != nil {
			return err
		}
		if err := s.clear(); err != nil {
			return err
		}
		gunzip, write, whole, cpu = append(gunzip, g.Took), append(write, p.Took), append(whole, took), append(cpu, busy)
		gunzipCPU, writeCPU = append(gunzipCPU, g.CPU), append(writeCPU, p.CPU)
		ratios = append(ratios, max(g.Took, p.Took).Seconds()/took.Seconds())
	}
	each := strings.Trim(fmt.Sprintf("%.2f", ratios), "[]")
	slices.Sort(ratios)
	middle := ratios[len(ratios)/2]
	t.add(fmt.Sprintf("1 GB of %s, %s to %s, by the clock (%s)", format, s.name, s.name, each), rate(plain, whole.median())).
		against(fmt.Sprintf("%s gunzip to nowhere, %s write from memory", rate(plain, gunzip.median()), rate(plain, write.median())), middle).
		want(fmt.Sprintf("≥ %.1f", goal), middle >= goal)
	t.add("the same, by the processor", rate(plain, cpu.median())).
		against(fmt.Sprintf("%s gunzip, %s write", rate(plain, gunzipCPU.median()), rate(plain, writeCPU.median())),
			(gunzipCPU.median()+writeCPU.median()).Seconds()/cpu.median().Seconds())
	return nil
}

// samples are what one thing took, in several rounds.
type samples []time.Duration

func (s samples) median() time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[len(sorted)/2]
}

// sample leaves some text for the floor that writes as much of it as plain says.
func (w *gunzipWorld) sample(plain int64, format logpush.Format) error {
	w.env["BENCH_PLAIN"], w.env["BENCH_BYTES"] = filepath.Join(w.dir, "plain"), fmt.Sprint(plain)
	f, err := os.Create(w.env["BENCH_PLAIN"])
	if err != nil {
		return err
	}
	if _, err := logpush.Generate(1, 10_000, format).WriteTo(f); err != nil {
		return err
	}
	return f.Close()
}

// once converts objects in a process of its own, and returns how long that took
// and how much processor time.
func (w *gunzipWorld) once(ctx context.Context, keys ...string) (took, cpu time.Duration, err error) {
	p, err := self(ctx, w.dir, w.env, "gunzipcsv", "function")
	if err != nil {
		return 0, 0, err
	}
	defer p.kill()
	if err := p.ready(ctx); err != nil {
		return 0, 0, err
	}
	before, err := p.cpu()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := convert(ctx, p, keys...); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	after, err := p.cpu()
	if err != nil {
		return 0, 0, err
	}
	_, err = p.stop()
	return took, after - before, err
}
