package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siemfeed/siemfeed/pkg/releasetest"
)

// Every command fails on state that a newer release has left, says what to
// upgrade to, and leaves it as it is. doctor finds it.
func TestNewerStateIsRefused(t *testing.T) {
	state := t.TempDir()
	source, dest := t.TempDir(), t.TempDir()
	files := map[string]string{
		state + "/gunzipcsv/format/manifests/99":             `{"version":"v99.1.0"}`,
		state + "/quarantine/gunzipcsv/format/quarantine/99": `{"version":"v99.1.0"}`,
		source + "/a.csv": "1\n",
	}
	for name, text := range files {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o750), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"SOURCE_URL": "file://" + source, "DEST_URL": "file://" + dest, "STATE_URL": "file://" + state, "LOG_LEVEL": "error",
	} {
		t.Setenv(name, value)
	}
	before := releasetest.Tree(t, state)
	page := filepath.Join(t.TempDir(), "proof.html")
	for args, want := range map[string]int{
		"status":                     exitFailed,
		"status gunzipcsv":           exitFailed,
		"report --out " + page:       exitFailed,
		"backfill gunzipcsv":         exitFailed,
		"verify gunzipcsv":           exitFailed,
		"replay gunzipcsv":           exitFailed,
		"prune gunzipcsv --keep 30d": exitFailed,
		"quarantine ls gunzipcsv":    exitFailed,
		"quarantine accept gunzipcsv --code object_gone": exitFailed,
		"doctor gunzipcsv": exitFindings,
	} {
		code, stdout, stderr := inProcess(t, functions(), strings.Fields(args)...)
		if all := stdout + stderr; code != want || !strings.Contains(all, "upgrade to v99.1.0 or newer") || !strings.Contains(all, "format 99 of") {
			t.Errorf("%s: ended with %d, want %d:\n%s", args, code, want, all)
		}
	}
	if after := releasetest.Tree(t, state); !maps.Equal(before, after) {
		t.Errorf("from %v to %v", before, after)
	}
	if left := releasetest.Tree(t, dest); len(left) > 0 {
		t.Errorf("%v was converted", left)
	}
	if _, err := os.Stat(page); err == nil {
		t.Error("a page was written")
	}
}
