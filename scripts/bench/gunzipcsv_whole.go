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
const turns = 5

// load is what a function is given at once.
type load struct {
	objects     int
	size        int64 // of each, in bytes of text
	concurrency int
}

func (l load) String() string {
	if l.objects == 1 {
		return "1 GB"
	}
	return fmt.Sprintf("%d objects of %d MB", l.objects, l.size>>20)
}

var (
	oneLarge = load{objects: 1, size: 1 << 30, concurrency: 1}
	// manySmall keeps two cores busy without any overlap within an object.
	manySmall = load{objects: 100, size: 5 << 20, concurrency: 2}
)

func gunzipcsvWhole(open func(context.Context, *gunzipWorld) (*store, error), l load) func(context.Context, *table) error {
	return func(ctx context.Context, t *table) error {
		return errors.Join(
			l.measure(ctx, t, open, logpush.CSV, 0.8),
			l.measure(ctx, t, open, logpush.NDJSON, 0.6),
		)
	}
}

// What the profiles say of a gigabyte of text. The function's processor time is
// that of its two parts, plus the SHA-256 of the target for its manifest (0.5 s),
// plus three copies between the stages (0.2 s), plus, with NDJSON, the conversion
// (0.6 s). The writes to a directory are 0.1 s of it; on S3 half of the writing is
// the SDK's own SHA-256 of each part, which it leaves out over https. Locks, the
// collector of garbage and all the rest are below 3 %. So with two cores to
// itself a conversion of CSV waits for nothing but gunzip. Where others use them
// as well it needs more than its share of one, and the floors do not: the figures
// by the clock fall, and those by the processor stay.

// measure converts objects from bucket to bucket, beside the two things that
// cannot be had for less: to unpack them, to nowhere, and to write what was
// unpacked to the same store, from memory. Of one object the time is to be that
// of the slower one, as they overlap; of many, which keep all cores busy, the
// processor time that of both.
func (l load) measure(ctx context.Context, t *table, open func(context.Context, *gunzipWorld) (*store, error), format logpush.Format, goal float64) error {
	w, err := newGunzipWorld(l.concurrency)
	if err != nil {
		return err
	}
	defer w.close()
	s, err := open(ctx, w)
	if err != nil {
		return err
	}
	defer s.close()
	var plain int64
	keys := make([]string, l.objects)
	for i := range keys {
		keys[i] = fmt.Sprintf("%03d.log.gz", i)
		n, err := w.object(keys[i], l.size, format)
		if err != nil {
			return err
		}
		plain += n
		if err := s.put(ctx, keys[i]); err != nil {
			return err
		}
	}
	if err := w.sample(plain, l.objects, format); err != nil {
		return err
	}
	var gunzip, write, whole, gunzipCPU, writeCPU, wholeCPU samples
	var clock, processor ratios
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
		took, busy, err := w.once(ctx, keys...)
		if err != nil {
			return err
		}
		if err := s.clear(); err != nil {
			return err
		}
		gunzip, write, whole = append(gunzip, g.Took), append(write, p.Took), append(whole, took)
		gunzipCPU, writeCPU, wholeCPU = append(gunzipCPU, g.CPU), append(writeCPU, p.CPU), append(wholeCPU, busy)
		clock = append(clock, max(g.Took, p.Took).Seconds()/took.Seconds())
		processor = append(processor, (g.CPU+p.CPU).Seconds()/busy.Seconds())
	}
	row := t.add(fmt.Sprintf("%s of %s, %s to %s, by the clock (%s)", l, format, s.name, s.name, clock), rate(plain, whole.median())).
		against(fmt.Sprintf("%s gunzip to nowhere, %s write from memory", rate(plain, gunzip.median()), rate(plain, write.median())), clock.median())
	if l.objects == 1 {
		row.want(fmt.Sprintf("≥ %.1f", goal), clock.median() >= goal)
	}
	row = t.add(fmt.Sprintf("the same, by the processor (%s)", processor), rate(plain, wholeCPU.median())).
		against(fmt.Sprintf("%s gunzip, %s write", rate(plain, gunzipCPU.median()), rate(plain, writeCPU.median())), processor.median())
	if l.objects > 1 {
		row.want(fmt.Sprintf("≥ %.1f", goal), processor.median() >= goal)
	}
	return nil
}

// ratios are the results of several rounds.
type ratios []float64

func (r ratios) median() float64 { return slices.Sorted(slices.Values(r))[len(r)/2] }

func (r ratios) String() string { return strings.Trim(fmt.Sprintf("%.2f", []float64(r)), "[]") }

// samples are what one thing took, in several rounds.
type samples []time.Duration

func (s samples) median() time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[len(sorted)/2]
}

// sample leaves some text for the floor that writes plain bytes of it, in as
// many objects.
func (w *gunzipWorld) sample(plain int64, objects int, format logpush.Format) error {
	w.env["BENCH_PLAIN"], w.env["BENCH_BYTES"], w.env["BENCH_OBJECTS"] = filepath.Join(w.dir, "plain"), fmt.Sprint(plain), fmt.Sprint(objects)
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
