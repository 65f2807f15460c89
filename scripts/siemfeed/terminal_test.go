package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/cfqueue"
	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// terminalWorld is a queue with notices about two objects that
// are none.
func terminalWorld(t *testing.T) []string {
	t.Helper()
	api := emulator.New(emulator.Options{}).Start()
	t.Cleanup(api.Close)
	queue := api.AddQueue("q", emulator.QueueOptions{DeadLetter: "dead"})
	source := t.TempDir()
	for _, key := range []string{"a.csv", "b.csv"} {
		if err := os.WriteFile(filepath.Join(source, key+".gz"), []byte("no gzip"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := notify(queue, "logs", key+".gz"); err != nil {
			t.Fatal(err)
		}
	}
	return append(os.Environ(),
		"SOURCE_URL=file://"+source, "DEST_URL=file://"+t.TempDir(), "STATE_URL=file://"+t.TempDir(),
		"CF_ACCOUNT_ID=account", "CF_QUEUE_ID=q", "CF_API_TOKEN=token", "CF_API_BASE_URL="+api.URL(),
		// An exporter that is not there is a warning of every run's.
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1")
}

const finished = "in 2 = out 0 + filtered 0 + quarantined 2"

// A terminal sees text, and each number once.
func TestTerminalSeesText(t *testing.T) {
	bin := proctest.Build(t, ".")
	for _, colours := range []bool{true, false} {
		cmd := exec.CommandContext(t.Context(), bin, "run", "gunzipcsv") //nolint:gosec // the test built it
		cmd.Env = terminalWorld(t)
		if !colours {
			cmd.Env = append(cmd.Env, "NO_COLOR=1")
		}
		tty, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		var seen bytes.Buffer
		_, _ = io.Copy(&seen, tty) // ends with an error when the process has
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, seen.String())
		}
		out := seen.String()
		if strings.Count(out, finished) != 1 || strings.Contains(out, "{") || strings.Contains(out, "run finished") {
			t.Errorf("not the summary alone:\n%s", out)
		}
		plain := regexp.MustCompile("\x1b\\[[0-9;]*[a-zA-Z]").ReplaceAllString(out, "")
		if !regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d WRN metrics not exported error=`).MatchString(strings.ReplaceAll(plain, "\r", "\n")) {
			t.Errorf("no log as text:\n%s", out)
		}
		if strings.Contains(out, "\x1b[3") != colours && strings.Contains(out, "\x1b[9") != colours {
			t.Errorf("colours: %v\n%q", colours, out)
		}
	}
}

// Elsewhere the log is JSON, and what the run did is on standard output alone.
func TestPipesSeeJSON(t *testing.T) {
	bin := proctest.Build(t, ".")
	for _, args := range [][]string{{"run", "gunzipcsv"}, {"run", "gunzipcsv", "--output", "json"}, {"run", "gunzipcsv", "--quiet"}} {
		cmd := exec.CommandContext(t.Context(), bin, args...) //nolint:gosec // the test built it
		cmd.Env = terminalWorld(t)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, stderr.String())
		}
		if args[len(args)-1] == "json" {
			if err := json.Unmarshal(stdout.Bytes(), new(map[string]any)); err != nil {
				t.Errorf("%v\n%s", err, stdout.String())
			}
		} else if quiet := args[len(args)-1] == "--quiet"; (strings.Count(stdout.String(), finished) != 1) != quiet {
			t.Errorf("%v: %s", args, stdout.String())
		}
		for line := range strings.Lines(stderr.String()) {
			var record struct{ Message string }
			if err := json.Unmarshal([]byte(line), &record); err != nil || record.Message == "run finished" {
				t.Errorf("%v: %v: %s", args, err, line)
			}
		}
		if !strings.Contains(stderr.String(), "metrics not exported") {
			t.Errorf("%v: no log: %s", args, stderr.String())
		}
	}
}
