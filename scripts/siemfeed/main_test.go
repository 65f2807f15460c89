package main

import (
	"debug/buildinfo"
	"errors"
	"os"
	"os/exec"
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
	for _, want := range []string{"kill -9", "started again", "triggered again", "events came late", "complete: nothing is missing", "IN QUARANTINE, WITH THE REASON", "gzip_truncated", "empty_object", "siemfeed-demo.html"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// built is the version that the toolchain has written into the program.
func built(t *testing.T, bin string) string {
	t.Helper()
	info, err := buildinfo.ReadFile(bin)
	if err != nil {
		t.Fatal(err)
	}
	if v := info.Main.Version; v != "(devel)" {
		return v
	}
	return "devel"
}

// A schedule tells findings from failures by what the command ends with, and a
// slip of the hand is answered in a line.
func TestExit(t *testing.T) {
	bin := proctest.Build(t, ".")
	source := t.TempDir()
	if err := os.WriteFile(filepath.Join(source, "a.log.gz"), []byte("no gzip"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"SOURCE_URL": "file://" + source, "DEST_URL": "file://" + t.TempDir(), "STATE_URL": "file://" + t.TempDir(), "LOG_LEVEL": "error",
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--version", 0, built(t, bin)},
		{"verify gunzipcsv --from 7d --to 0s", 1, "MISSING"},
		{"verify gunzipcsv --from 7d --to 0s --quiet", 1, ""},
		{"verify gunzipcsv --from 2026-13-01", 2, "is no moment: want "},
		{"verify gunzip", 2, `did you mean "gunzipcsv"`},
		{"verfy gunzipcsv", 2, `did you mean "verify"`},
		{"", 2, "expected one of"},
		{"run muleaudit", 2, "CLIENT_ID"},
		{"run muleaudit", 2, "--env-file FILE: siemfeed env FUNCTION prints one"},
		{"env", 2, `expected "<function>", one of muleaudit, gunzipcsv,`},
		{"quarantine ls", 2, `expected "<function>", one of muleaudit, gunzipcsv,`},
		{"verify gunzipcsv --prefix nothing/", 0, "nothing was looked at"},
	} {
		out, err := proctest.Run(t, bin, env, strings.Fields(c.args)...)
		code := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
		}
		if code != c.code || !strings.Contains(out, c.want) || strings.Contains(c.args, "--quiet") && out != "" {
			t.Errorf("%s: ended with %d, want %d and %q in\n%s", c.args, code, c.code, c.want, out)
		}
		if usage := strings.Contains(out, "--help"); usage && strings.Count(strings.TrimSpace(out), "\n") > 0 {
			t.Errorf("%s: more than a line:\n%s", c.args, out)
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
	run(true, "muleaudit ok: in 600 = out 600", "run", "muleaudit")
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

// A span in which nothing can be is a slip of the hand, and no proof that all is
// well.
func TestSpansThatHoldNothing(t *testing.T) {
	for _, f := range functions() {
		for _, c := range []struct {
			flags []string
			want  string
		}{
			{[]string{"--from", "2026-01-02", "--to", "2026-01-01"}, "--from, 2026-01-02T00:00:00Z, is not before --to, 2026-01-01T00:00:00Z"},
			{[]string{"--from", "2026-01-02", "--to", "2026-01-02"}, "is not before"},
			{[]string{"--from", "2999-01-01", "--to", "2999-01-02"}, "--from, 2999-01-01T00:00:00Z, lies in the future"},
			{[]string{"--from", "1d", "--to", "2999-01-02"}, "--to, 2999-01-02T00:00:00Z, lies in the future"},
		} {
			for _, command := range []string{"verify", "backfill"} {
				code, stdout, stderr := inProcess(t, functions(), append([]string{command, string(f.name)}, c.flags...)...)
				if code != exitFailed || stdout != "" || !strings.Contains(stderr, c.want) {
					t.Errorf("%s %s %q: ended with %d\n%s%s", command, f.name, c.flags, code, stdout, stderr)
				}
			}
		}
	}
}
