package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/siemfeed/siemfeed/pkg/objcsv"
	"github.com/siemfeed/siemfeed/pkg/proctest"
	"github.com/siemfeed/siemfeed/pkg/receipt"
)

// TestShardsOfAJob runs a backfill as a job of eight tasks, of which two are
// killed and repeated: every object is converted once, and what the tasks of a
// verification found adds up to that of the whole.
func TestShardsOfAJob(t *testing.T) {
	const shards, objects = 8, 480
	bin := proctest.Build(t, ".")
	source, dest := t.TempDir(), t.TempDir()
	for i := range objects {
		var object bytes.Buffer
		z := gzip.NewWriter(&object)
		if _, err := fmt.Fprintf(z, "%d,b\n", i); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		data := object.Bytes()
		if i%120 == 7 {
			data = data[:10] // of which there is something to find
		}
		if err := os.WriteFile(filepath.Join(source, fmt.Sprintf("%04d.log.gz", i)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"SOURCE_URL": "file://" + source, "DEST_URL": "file://" + dest, "STATE_URL": "file://" + t.TempDir(), "LOG_LEVEL": "error", "CONCURRENCY": "2"}
	task := func(i int) map[string]string {
		e := maps.Clone(env)
		e["CLOUD_RUN_TASK_INDEX"], e["CLOUD_RUN_TASK_COUNT"] = fmt.Sprint(i), fmt.Sprint(shards)
		return e
	}
	for _, i := range []int{2, 5} {
		before := len(written(t, dest))
		killAfter(t, bin, task(i), func() bool { return len(written(t, dest)) >= before+20 })
	}
	killed := written(t, dest)
	for i := range shards {
		if out, err := proctest.Run(t, bin, task(i), "backfill", "gunzipcsv"); err != nil {
			t.Fatalf("shard %d: %v\n%s", i, err, out)
		}
	}
	got := written(t, dest)
	if len(got) != objects-4 {
		t.Fatalf("%d targets of %d objects, 4 of them broken", len(got), objects)
	}
	for name, at := range killed {
		if !got[name].Equal(at) {
			t.Errorf("%s was written twice", name)
		}
	}

	whole, findings := verifyJSON(t, bin, env)
	if whole["converted"] != objects-4 || whole["findings"] != 4 || findings.Kinds["quarantined"] != 4 {
		t.Errorf("%v, %+v", whole, findings)
	}
	sum, all := map[string]int64{}, receipt.NewFindingList()
	for i := range shards {
		checked, part := verifyJSON(t, bin, task(i))
		for name, n := range checked {
			sum[name] += n
		}
		all.Join(part)
	}
	if !maps.Equal(sum, whole) || len(all.Findings) != len(findings.Findings) || all.Found != findings.Found {
		t.Errorf("%v, %+v, want %v, %+v", sum, all, whole, findings)
	}
}

// written is when each target was written.
func written(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, objcsv.TargetKey("*.log.gz")))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]time.Time{}
	for _, f := range files {
		if info, err := os.Stat(f); err == nil { // it may be under way
			out[filepath.Base(f)] = info.ModTime()
		}
	}
	return out
}

// killAfter runs a backfill and kills it once seen says so.
func killAfter(t *testing.T, bin string, env map[string]string, seen func() bool) {
	t.Helper()
	p := proctest.Launch(t, bin, env, "backfill", "gunzipcsv")
	for !seen() {
		select {
		case <-p.Done():
			t.Fatalf("the backfill ended before it was killed:\n%s", p.Output())
		case <-time.After(time.Millisecond):
		}
	}
	p.Kill()
}

// verifyJSON is what a verification looked at, and found.
func verifyJSON(t *testing.T, bin string, env map[string]string) (checked map[string]int64, found receipt.FindingList) {
	t.Helper()
	out, _ := proctest.Run(t, bin, env, "verify", "gunzipcsv", "-o", "json") // which ends with 1, for the findings
	line := out[bytes.IndexByte([]byte(out), '{'):]
	var v struct {
		Checked map[string]int64
		receipt.FindingList
	}
	if err := json.NewDecoder(strings.NewReader(line)).Decode(&v); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return v.Checked, v.FindingList
}
