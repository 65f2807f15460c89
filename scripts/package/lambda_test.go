package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/anypoint"
	"github.com/siemfeed/siemfeed/pkg/emulator/lambda"
)

// unpackBootstrap returns the path of the program in a Lambda archive.
func unpackBootstrap(t *testing.T, archive []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if f.Name != "bootstrap" {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "bootstrap")
		if err := os.WriteFile(path, data, f.Mode()); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Fatal("no bootstrap in the archive")
	return ""
}

// TestLambdaBuildsAndRuns starts what is in the archive as Lambda does, and has
// it do one run.
func TestLambdaBuildsAndRuns(t *testing.T) {
	m, err := findModule(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// This machine's own processor; the other one's program cannot be started.
	data, err := bootstrap(runtime.GOARCH)(t.Context(), m, "muleaudit")
	if err != nil {
		t.Fatal(err)
	}
	const most = 50 << 20 // of a zip that is uploaded directly
	if len(data) > most {
		t.Errorf("the archive has %d bytes, Lambda takes %d", len(data), most)
	}
	bin := unpackBootstrap(t, data)
	program, err := elf.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("bootstrap is linked dynamically")
		}
	}
	if err := program.Close(); err != nil {
		t.Error(err)
	}

	source := emulator.New(emulator.Options{}).Start()
	defer source.Close()
	events := emulator.Generate("org-1", emulator.Generated{Seed: 1, N: 100, From: time.Now().Add(-3 * time.Hour), To: time.Now().Add(-10 * time.Minute)})
	if err := source.Add("org-1", events...); err != nil {
		t.Fatal(err)
	}
	api := lambda.Start(lambda.Options{Timeout: time.Minute})
	defer api.Close()
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), bin)
	cmd.Stderr = &log
	cmd.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+api.Address(),
		"MULE_ORG_ID=org-1", "CLIENT_ID=client", "CLIENT_SECRET=secret",
		"MULE_BASE_URL="+source.URL(), "MULE_RATE_PER_MIN=60000",
		"OUTPUT_URL=file://"+t.TempDir(), "STATE_URL=file://"+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	got, err := api.Invoke(t.Context(), []byte(`{}`))
	if err != nil || got.Failed || !strings.Contains(string(got.Payload), `"status":"ok"`) || !strings.Contains(string(got.Payload), `"out":100`) {
		t.Errorf("%v, %s", err, got.Payload)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v; the log: %s", err, &log)
	}
}

func TestLambdaTargetsBothProcessors(t *testing.T) {
	var suffixes []string
	for _, target := range formats["lambda"] {
		suffixes = append(suffixes, target.suffix)
	}
	if got := strings.Join(suffixes, " "); got != "-lambda-arm64.zip -lambda-amd64.zip" {
		t.Errorf("writes %s", got)
	}
}
