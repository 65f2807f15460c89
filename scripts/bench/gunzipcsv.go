package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
)

func gunzipcsvSuite() suite {
	return suite{
		name: "gunzipcsv", build: gunzipcsv.New, floor: gunzipcsvFloor,
		cases: []benchCase{
			{"csv", "CSV passed on, of 200 MB objects, beside gunzip of the same bytes to nowhere", gunzipcsvSpeed(logpush.CSV, 0.85)},
			{"ndjson", "NDJSON to CSV, likewise", gunzipcsvSpeed(logpush.NDJSON, 0.35)},
			{"file", "one object of 1 GB from directory to directory, by the clock, beside its parts", gunzipcsvWhole(fileStore, oneLarge)},
			{"s3", "the same from bucket to bucket of a real S3 server", gunzipcsvWhole(s3Store, oneLarge)},
			{"files", "100 objects of 5 MB from directory to directory, by the processor, beside their parts", gunzipcsvWhole(fileStore, manySmall)},
			{"s3-many", "the same from bucket to bucket of a real S3 server", gunzipcsvWhole(s3Store, manySmall)},
			{"small", "2,000 objects of about 100 KB", gunzipcsvSmall},
			{"verify", "verify of a million objects whose store takes 40 ms a request", gunzipcsvVerify},
			{"memory", "resident memory for one object of 10 MB, 100 MB and 1 GB", gunzipcsvMemory},
		},
	}
}

// gunzipWorld is a directory for each bucket.
type gunzipWorld struct {
	dir, source string
	env         map[string]string
	seed        uint64
}

func newGunzipWorld(concurrency int) (*gunzipWorld, error) {
	dir, err := os.MkdirTemp("", "siemfeed-bench-")
	if err != nil {
		return nil, err
	}
	w := &gunzipWorld{dir: dir, source: filepath.Join(dir, "source")}
	w.env = map[string]string{
		"SOURCE_URL": "file://" + w.source, "DEST_URL": "file://" + dir + "/dest?create_dir=true",
		"STATE_URL": "file://" + dir + "/state?create_dir=true", "CONCURRENCY": fmt.Sprint(concurrency), "LOG_LEVEL": "error",
		"HOME": dir,
	}
	return w, os.Mkdir(w.source, 0o750)
}

func (w *gunzipWorld) close() { _ = os.RemoveAll(w.dir) }

// object writes an object of at least size bytes of log, in gzip members of a
// few megabytes, and returns how many there are.
func (w *gunzipWorld) object(key string, size int64, format logpush.Format) (plain int64, err error) {
	f, err := os.Create(filepath.Join(w.source, key)) //nolint:gosec // in a directory of our own
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	const perRecord = 1500 // bytes, about
	for plain < size {
		w.seed++
		records := int(min((size-plain)/perRecord+1, 5000))
		n, err := logpush.Gzip(w.seed, records, format).WriteTo(f)
		if err != nil {
			return plain, err
		}
		plain += n
	}
	return plain, f.Sync()
}

// convert tells a function of objects, in one batch, and wants all converted.
func convert(ctx context.Context, p *process, keys ...string) error {
	type object struct {
		Key string `json:"key"`
	}
	type notice struct {
		Action string `json:"action"`
		Bucket string `json:"bucket"`
		Object object `json:"object"`
	}
	type message struct {
		ID   string `json:"id"`
		Body notice `json:"body"`
	}
	batch := struct {
		Queue    string    `json:"queue"`
		Messages []message `json:"messages"`
	}{Queue: "bench"}
	for _, k := range keys {
		batch.Messages = append(batch.Messages, message{k, notice{"PutObject", "bench", object{k}}})
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	var r gunzipcsv.Receipt
	if err := p.trigger(ctx, string(body), &r); err != nil {
		return err
	}
	if r.Out != int64(len(keys)) {
		return fmt.Errorf("%d of %d objects converted: %+v", r.Out, len(keys), r.Core)
	}
	return nil
}

// gunzipcsvSpeed compares the processor time of the codec, and of the whole
// function from file to file, with that of the unavoidable part.
func gunzipcsvSpeed(format logpush.Format, goal float64) func(context.Context, *table) error {
	const objects, size = 2, 200 << 20
	return func(ctx context.Context, t *table) error {
		w, err := newGunzipWorld(1)
		if err != nil {
			return err
		}
		defer w.close()
		var plain int64
		var keys []string
		for i := range objects {
			key := fmt.Sprintf("%d.log.gz", i)
			n, err := w.object(key, size, format)
			if err != nil {
				return err
			}
			plain += n
			keys = append(keys, key)
		}
		floor, err := w.floor(ctx, "gunzip")
		if err != nil {
			return err
		}
		u, err := w.floor(ctx, "codec")
		if err != nil {
			return err
		}
		least, codec := floor.CPU, u.CPU
		beside := rate(plain, least) + " gunzip to nowhere"
		ratio := float64(least) / float64(codec)
		t.add("codec, decompressed input of a core-second", rate(plain, codec)).
			against(beside, ratio).want(fmt.Sprintf("≥ %.2f", goal), ratio >= goal)
		if format == logpush.NDJSON {
			naive, err := w.floor(ctx, "naive")
			if err != nil {
				return err
			}
			t.add("codec", rate(plain, codec)).against(rate(plain, naive.CPU)+" encoding/json and encoding/csv", float64(naive.CPU)/float64(codec))
		}

		p, err := self(ctx, w.dir, w.env, "gunzipcsv", "function")
		if err != nil {
			return err
		}
		defer p.kill()
		if err := p.ready(ctx); err != nil {
			return err
		}
		if err := convert(ctx, p, keys...); err != nil {
			return err
		}
		cpu, err := p.cpu()
		if err != nil {
			return err
		}
		t.add("function, file to file (the store hashes and writes)", rate(plain, cpu)).against(beside, float64(least)/float64(cpu))
		return nil
	}
}

// floor runs one of the floors over the source, and returns what it took.
func (w *gunzipWorld) floor(ctx context.Context, kind string) (usage, error) {
	w.env["BENCH_SOURCE"], w.env["BENCH_FLOOR"] = w.source, kind
	p, err := self(ctx, w.dir, w.env, "gunzipcsv", "floor")
	if err != nil {
		return usage{}, err
	}
	defer p.kill()
	return p.wait()
}

func rate(bytes int64, d time.Duration) string {
	return fmt.Sprintf("%.0f MB/s", float64(bytes)/1e6/d.Seconds())
}

// gunzipcsvSmall converts many small objects, pushed in batches of a hundred.
func gunzipcsvSmall(ctx context.Context, t *table) error {
	const objects = 2000
	w, err := newGunzipWorld(8)
	if err != nil {
		return err
	}
	defer w.close()
	keys := make([]string, objects)
	for i := range keys {
		keys[i] = fmt.Sprintf("%04d.log.gz", i)
		if _, err := w.object(keys[i], 100<<10, logpush.NDJSON); err != nil {
			return err
		}
	}
	p, err := self(ctx, w.dir, w.env, "gunzipcsv", "function")
	if err != nil {
		return err
	}
	defer p.kill()
	if err := p.ready(ctx); err != nil {
		return err
	}
	began := time.Now()
	for i := 0; i < objects; i += 100 {
		if err := convert(ctx, p, keys[i:i+100]...); err != nil {
			return err
		}
	}
	took := time.Since(began)
	t.add("objects of 100 KB of NDJSON", fmt.Sprintf("%.0f/s", objects/took.Seconds()))
	return nil
}

// gunzipcsvMemory converts one object of each size, in a process of its own.
func gunzipcsvMemory(ctx context.Context, t *table) error {
	for _, format := range []logpush.Format{logpush.CSV, logpush.NDJSON} {
		var hundred uint64
		for _, size := range []int64{10 << 20, 100 << 20, 1 << 30} {
			rss, err := gunzipcsvRSS(ctx, size, format)
			if err != nil {
				return err
			}
			row := t.add(fmt.Sprintf("peak RSS for %d MB of %s", size>>20, format), mib(rss))
			switch {
			case size == 100<<20:
				hundred = rss
			case size > 100<<20:
				most := max(hundred*12/10, hundred+16<<20)
				row.against(mib(hundred)+" for 100 MB", float64(rss)/float64(hundred)).
					want("within 20 % or 16 MiB, ≤ 128 MiB", rss <= most && rss <= 128<<20)
			}
		}
	}
	return nil
}

func gunzipcsvRSS(ctx context.Context, size int64, format logpush.Format) (uint64, error) {
	w, err := newGunzipWorld(1)
	if err != nil {
		return 0, err
	}
	defer w.close()
	if _, err := w.object("a.log.gz", size, format); err != nil {
		return 0, err
	}
	p, err := self(ctx, w.dir, w.env, "gunzipcsv", "function")
	if err != nil {
		return 0, err
	}
	defer p.kill()
	if err := p.ready(ctx); err != nil {
		return 0, err
	}
	if err := convert(ctx, p, "a.log.gz"); err != nil {
		return 0, err
	}
	u, err := p.stop()
	return u.PeakRSS, err
}
