package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/siemfeed/siemfeed/pkg/emulator/lambda"
	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// TestProgramRuns packs a function's program in each way, unpacks it as the
// host does, and has it do one run.
func TestProgramRuns(t *testing.T) {
	m, err := findModule(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// For this machine's own processor: the other one's cannot be started.
	m.version = release
	program, err := m.compile(t.Context(), "muleaudit", platform{"linux", runtime.GOARCH})
	if err != nil {
		t.Fatal(err)
	}
	archive, err := bootstrapArchive(m, program)
	if err != nil {
		t.Fatal(err)
	}
	const most = 50 << 20 // of a zip that is uploaded directly, to either host
	if len(archive) > most {
		t.Errorf("the archive has %d bytes, more than %d", len(archive), most)
	}
	bin := unpackBootstrap(t, archive)
	checkStatic(t, bin)
	t.Run("lambda", func(t *testing.T) { runOnLambda(t, bin) })
	t.Run("fc", func(t *testing.T) { runOnFunctionCompute(t, bin) })
	t.Run("oci", func(t *testing.T) { runInImage(t, m, program) })
}

func runOnLambda(t *testing.T, bin string) {
	api := lambda.Start(lambda.Options{Timeout: time.Minute})
	defer api.Close()
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), bin)
	cmd.Stderr = &log
	cmd.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+api.Address())
	for k, v := range sourceOf(t, 100, nil) {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	got, err := api.Invoke(t.Context(), []byte(`{}`))
	if err != nil || got.Failed {
		t.Errorf("%v, %s", err, got.Payload)
	}
	checkReceipt(t, got.Payload, 100)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v; the log: %s", err, &log)
	}
}

func runOnFunctionCompute(t *testing.T, bin string) {
	p := proctest.StartOn(t, bin, "FC_CUSTOM_LISTEN_PORT", sourceOf(t, 100, nil))
	invoke := func(event string) (string, []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/invoke", strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/octet-stream")
		req.Header.Set("X-Fc-Request-Id", "1-6a0000-0000000000000000")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.Header.Get("X-Fc-Status"), body
	}
	status, answer := invoke(`{"triggerTime":"2026-11-01T00:00:00Z","triggerName":"hourly","payload":""}`)
	if status != "200" {
		t.Errorf("a run that succeeded has the status %q", status)
	}
	checkReceipt(t, answer, 100)
	if status, answer := invoke(`{"hello":1}`); status != "404" {
		t.Errorf("what no trigger sends has the status %q: %s", status, answer)
	}
	if err := p.Stop(syscall.SIGTERM, time.Minute); err != nil {
		t.Error(err)
	}
}

// unpackBootstrap returns the path of the program in an archive.
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

// checkStatic fails the test if the program needs any library.
func checkStatic(t *testing.T, bin string) {
	t.Helper()
	program, err := elf.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s is linked dynamically", bin)
		}
	}
	if err := program.Close(); err != nil {
		t.Error(err)
	}
}
