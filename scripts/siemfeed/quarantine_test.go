package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/bucket"
	"github.com/siemfeed/siemfeed/pkg/quarantine"
)

// An object that cannot be read hides no other, and is seen to by its name.
func TestQuarantineWithADamagedObject(t *testing.T) {
	state := t.TempDir()
	t.Setenv("STATE_URL", "file://"+state)
	t.Setenv("LOG_LEVEL", "error")
	for name, v := range map[string]string{"MULE_ORG_ID": "org-1", "CLIENT_ID": "client", "CLIENT_SECRET": "secret", "OUTPUT_URL": "file://" + t.TempDir()} {
		t.Setenv(name, v)
	}
	command := func(code int, want string, args ...string) (stdout string) {
		t.Helper()
		got, stdout, stderr := inProcess(t, functions(), append([]string{"quarantine"}, args...)...)
		if got != code || !strings.Contains(stdout+stderr, want) {
			t.Errorf("%q ended with %d, want %d and %q in\n%s%s", args, got, code, want, stdout, stderr)
		}
		return stdout
	}
	if out := command(exitDone, "nothing of that is pending in file://"+state, "ls", "muleaudit"); out != "" {
		t.Errorf("%q", out)
	}
	rejected, err := bucket.Open(t.Context(), "file://"+state+"/quarantine?create_dir=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rejected.Close() })
	good, err := quarantine.New(rejected, "muleaudit").Put(t.Context(), time.Now(), "1", quarantine.Entry{Code: "bad", Reason: "r"}, []byte("what was received"))
	if err != nil {
		t.Fatal(err)
	}
	const damaged = "muleaudit/2026/03/01/00.ndjson.gz" // which comes first
	if err := os.MkdirAll(filepath.Join(state, "quarantine", filepath.Dir(damaged)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "quarantine", damaged), []byte("no gzip"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := command(exitFailed, damaged+" cannot be read from line 1 on", "ls", "muleaudit"); !strings.Contains(out, good+":1  ") {
		t.Errorf("the other is not listed: %q", out)
	}
	command(exitDone, "what was received\n", "show", "muleaudit", good+":1")
	command(exitFailed, "has no line 2", "show", "muleaudit", good+":2")
	command(exitFailed, "quarantine ls muleaudit names what is", "show", "muleaudit", "muleaudit/2026/03/01/01.ndjson.gz")
	command(exitFailed, "is before --from", "ls", "muleaudit", "--from", "2026-01-02", "--to", "2026-01-01")
	command(exitDone, "1 object with 1 record accepted", "accept", "muleaudit", "--object", damaged)
	command(exitDone, good, "ls", "muleaudit")
	if code, out, errs := inProcess(t, functions(), "replay", "muleaudit"); code != exitFindings || strings.Contains(out, damaged) {
		t.Errorf("%d %s%s", code, out, errs)
	}
}
