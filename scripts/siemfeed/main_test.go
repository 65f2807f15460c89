package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// The main job: the demo runs as it stands, and ends with the proof.
func TestDemo(t *testing.T) {
	bin := proctest.Build(t, ".")
	out, err := proctest.Run(t, bin, nil, "demo")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"kill -9", "started again", "triggered again", "events came late", "complete: nothing is missing", "IN QUARANTINE, WITH THE REASON", "gzip_truncated", "empty_object"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestMuleauditCommands(t *testing.T) {
	bin := proctest.Build(t, ".")
	api := emulator.New(emulator.Options{}).Start()
	defer api.Close()
	now := time.Now().UTC()
	g := emulator.Generated{Seed: 1, N: 600, From: now.Add(-20 * time.Hour), To: now.Add(-time.Hour)}
	if err := api.Add("org-1", emulator.Generate("org-1", g)...); err != nil {
		t.Fatal(err)
	}
	output := t.TempDir()
	file := filepath.Join(t.TempDir(), "mule.env")
	text := "# for the test\nMULE_ORG_ID=org-1\nexport CLIENT_ID='client'\nCLIENT_SECRET=\"secret\"\nMULE_BASE_URL=" + api.URL() +
		"\nOUTPUT_URL=file://" + output + "\nSTATE_URL=file://" + t.TempDir() + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(ok bool, want string, args ...string) {
		t.Helper()
		out, err := proctest.Run(t, bin, nil, append(args, "--env-file", file)...)
		if (err == nil) != ok || !strings.Contains(out, want) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	run(true, "checks passed", "doctor", "muleaudit")
	run(false, "GAP", "verify", "muleaudit")
	run(true, "muleaudit ok: in 600 = out 600", "run", "muleaudit", "--quiet")
	run(true, "complete: nothing is missing", "verify", "muleaudit")
	run(true, "0 events in 0 objects", "backfill", "muleaudit", "--from", now.Add(-30*time.Hour).Format(time.RFC3339), "--to", now.Add(-2*time.Hour).Format(time.RFC3339))
	objects, err := filepath.Glob(output + "/*/*/*/*.gz")
	if err != nil || len(objects) == 0 {
		t.Fatal(objects, err)
	}
	if err := os.Truncate(objects[0], 10); err != nil {
		t.Fatal(err)
	}
	run(false, "ALTERED", "verify", "muleaudit")
	api.Forbid("org-1", true)
	run(false, "Audit Log Viewer", "doctor", "muleaudit")
}
