package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/siemfeed/siemfeed/functions/gunzipcsv"
	"github.com/siemfeed/siemfeed/pkg/bucket"
	emulator "github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/serve"
)

// notifyAll queues the R2 notice of each key; a key "-" stands for those on
// standard input.
func notifyAll(q *emulator.Queue, bucketName string, keys []string) error {
	for _, key := range keys {
		if key != "-" {
			if err := notify(q, bucketName, key); err != nil {
				return err
			}
			continue
		}
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			if err := notify(q, bucketName, lines.Text()); err != nil {
				return err
			}
		}
		if err := lines.Err(); err != nil {
			return err
		}
	}
	return nil
}

// notify queues what R2 sends when an object was put.
func notify(q *emulator.Queue, bucketName, key string) error {
	body, err := json.Marshal(map[string]any{
		"account": "account", "action": "PutObject", "bucket": bucketName,
		"object":    map[string]any{"key": key},
		"eventTime": time.Now().UTC().Format(time.RFC3339Nano),
	})
	if err != nil {
		return err
	}
	_, err = q.Push(body, emulator.JSON, 0)
	return err
}

// demoGunzipcsv converts Logpush objects that a queue tells of, good ones and
// broken ones, is killed half-way, goes on, and proves what became of each.
func demoGunzipcsv(ctx context.Context, dir string) error {
	const objects, records = 250, 1000
	heading("gunzipcsv: Cloudflare Logpush *.log.gz → CSV in a second bucket")

	dir = filepath.Join(dir, "gunzipcsv")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	api := emulator.New(emulator.Options{}).Start()
	defer api.Close()
	queue := api.AddQueue("demo-queue", emulator.QueueOptions{MaxRetries: 20, DeadLetter: "demo-dead"})
	env := map[string]string{
		"SOURCE_URL": "file://" + dir + "/logs?create_dir=true", "SOURCE_BUCKET": "logs",
		"DEST_URL":      "file://" + dir + "/csv?create_dir=true",
		"STATE_URL":     demoState(dir),
		"CF_ACCOUNT_ID": "account", "CF_QUEUE_ID": "demo-queue", "CF_API_TOKEN": "token", "CF_API_BASE_URL": api.URL(),
		"CF_RETRY_DELAY": "0s",
	}
	plain, err := demoLogs(ctx, env["SOURCE_URL"], queue, objects, records)
	if err != nil {
		return err
	}
	say("a bucket holds %s of Logpush objects (%d, half NDJSON, half CSV, 4 of them broken); a queue holds a notice about each", size(plain), objects)

	fn, err := startFunction(ctx, "gunzipcsv", dir, env)
	if err != nil {
		return err
	}
	say("tick, and kill -9 the function half-way:")
	var r gunzipcsv.Receipt
	counted, stop := newScreen(os.Stderr).Watch(ctx, "demo", "objects")
	progress.Expect(counted, int64(objects))
	bar := counter{ctx: counted}
	err = fn.interrupt(ctx, struct{}{}, func() bool {
		bar.set(int64(objects - queue.Backlog()))
		return queue.Backlog() <= objects/2
	})
	stop()
	if err != nil {
		return err
	}
	queue.TimeOut() // which would keep us waiting for as long as a run may take
	say("killed: %d messages were acknowledged; the others come back", objects-queue.Backlog())

	if fn, err = startFunction(ctx, "gunzipcsv", dir, env); err != nil {
		return err
	}
	defer func() { _ = fn.kill() }()
	rows := [][]string{{"TICK", "STATUS", "IN", "CONVERTED", "UNCHANGED", "QUARANTINED", "RECORDS", "BYTES IN", "BYTES OUT", "TIME"}}
	for n := 2; queue.Backlog() > 0 && ctx.Err() == nil; n++ {
		r = gunzipcsv.Receipt{}
		if err := fn.trigger(ctx, struct{}{}, &r); err != nil {
			return err
		}
		if r.In == 0 { // what the killed run held is still hidden
			n--
			time.Sleep(200 * time.Millisecond)
			continue
		}
		rows = append(rows, []string{
			fmt.Sprint(n), string(r.Status), count(r.In), count(r.Out), count(r.Unchanged), count(r.Quarantined), count(r.Records),
			size(r.BytesIn), size(r.BytesOut), r.FinishedAt.Sub(r.StartedAt).Round(time.Millisecond).String(),
		})
	}
	table(os.Stdout, rows)
	say("did everything arrive?")
	if err := proveGunzipcsv(ctx, env); err != nil {
		return err
	}
	return fn.prove(ctx, time.Now())
}

// demoLogs writes n objects and a notice about each, and returns how many bytes
// of log are in them.
func demoLogs(ctx context.Context, url string, queue *emulator.Queue, n, records int) (int64, error) {
	source, err := bucket.Open(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = source.Close() }()
	var plain int64
	start := time.Now().UTC().Truncate(time.Hour)
	for i := range n {
		format := logpush.CSV
		if i%2 == 0 {
			format = logpush.NDJSON
		}
		var object bytes.Buffer
		size, err := logpush.Gzip(uint64(i), records, format).WriteTo(&object)
		if err != nil {
			return 0, err
		}
		plain += size
		data := object.Bytes()
		switch i {
		case 50:
			data = data[:len(data)/2]
		case 100:
			data[len(data)-5] ^= 1
		case 150:
			data = []byte("this is no gzip")
		case 200:
			data = nil
		}
		at := start.Add(time.Duration(i) * time.Second)
		key := fmt.Sprintf("%s/%s_%08x.log.gz", at.Format("20060102"), at.Format("20060102T150405Z"), i)
		if err := source.WriteAll(ctx, key, data, nil); err != nil {
			return 0, err
		}
		if err := notify(queue, "logs", key); err != nil {
			return 0, err
		}
	}
	return plain, nil
}

func proveGunzipcsv(ctx context.Context, env map[string]string) error {
	rt, err := serve.NewRuntime(ctx, envconfig.MapLookuper(map[string]string{"LOG_LEVEL": "error"}), "gunzipcsv", serve.OnStderr)
	if err != nil {
		return err
	}
	f, err := gunzipcsv.Open(ctx, envconfig.MapLookuper(env), rt)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	v, err := f.Verify(ctx, gunzipcsv.VerifyOptions{})
	if err != nil {
		return err
	}
	table(os.Stdout, [][]string{{"SOURCE OBJECTS", "CONVERTED", "IN QUARANTINE, WITH THE REASON"}, {count(v.Objects), count(v.Converted), count(int64(len(v.Findings)))}})
	for _, x := range v.Findings {
		say("%s %s: %.90s", x.Kind, x.Where, x.Detail)
	}
	if v.Converted != v.Objects-4 || len(v.Findings) != 4 {
		return fmt.Errorf("%d objects, %d converted, %d findings: want all but the 4 broken ones", v.Objects, v.Converted, len(v.Findings))
	}
	return nil
}
