package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/objcsv/logpush"
	"github.com/siemfeed/siemfeed/pkg/proctest"
)

func TestGunzipcsvCommands(t *testing.T) {
	bin := proctest.Build(t, ".")
	api := emulator.New(emulator.Options{}).Start()
	defer api.Close()
	queue := api.AddQueue("q", emulator.QueueOptions{DeadLetter: "dead"})
	source := t.TempDir()
	put := func(key string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(source, key), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var object bytes.Buffer
	if _, err := logpush.Gzip(1, 100, logpush.NDJSON).WriteTo(&object); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a.log.gz", "b.log.gz"} {
		put(key, object.Bytes())
		if err := notify(queue, "logs", key); err != nil {
			t.Fatal(err)
		}
	}
	put("bad.log.gz", []byte("no gzip"))
	if err := notify(queue, "logs", "bad.log.gz"); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"SOURCE_URL": "file://" + source, "DEST_URL": "file://" + t.TempDir(), "STATE_URL": "file://" + t.TempDir(),
		"CF_ACCOUNT_ID": "account", "CF_QUEUE_ID": "q", "CF_API_TOKEN": "token", "CF_API_BASE_URL": api.URL(),
	}
	run := func(ok bool, want string, args ...string) {
		t.Helper()
		out, err := proctest.Run(t, bin, env, args...)
		if (err == nil) != ok || !strings.Contains(out, want) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	run(true, "checks passed", "doctor", "gunzipcsv")
	run(false, "MISSING", "verify", "gunzipcsv")
	run(true, "gunzipcsv ok: in 3 = out 2 + filtered 0 + quarantined 1", "run", "gunzipcsv")
	run(false, "QUARANTINED  bad.log.gz", "verify", "gunzipcsv")
	put("bad.log.gz", object.Bytes())
	put("late.log.gz", object.Bytes())
	run(true, "1 object in quarantine replayed: 1 records delivered", "replay", "gunzipcsv")
	run(true, "4 objects: 1 converted", "backfill", "gunzipcsv")
	run(true, "complete: nothing is missing", "verify", "gunzipcsv")
}
