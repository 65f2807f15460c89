package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The operator's command is packaged for people and for jobs, and for nothing
// that is triggered.
func TestOperatorsCommandRuns(t *testing.T) {
	m, err := findModule(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.version = release
	here := []platform{{runtime.GOOS, runtime.GOARCH}}
	archive, err := commandArchive(t.Context(), m, operator, here)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if names := untar(t, io.NopCloser(z), dir); !slices.Equal(names, []string{"LICENSE", "README.md", operator}) {
		t.Errorf("the archive has %v", names)
	}
	bin := filepath.Join(dir, operator)
	checkStatic(t, bin)
	for want, args := range map[string][]string{
		release + "\n": {"--version"},
		"--shard":      {"backfill", "gunzipcsv", "--help"},
	} {
		out, err := exec.CommandContext(t.Context(), bin, args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
	if _, err := bootstrap(t.Context(), m, operator, here); err == nil {
		t.Error("it is packaged as a function")
	}
	if _, err := commandArchive(t.Context(), m, "muleaudit", here); err == nil {
		t.Error("a function is packaged as a command")
	}
}
