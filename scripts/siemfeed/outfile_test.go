package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A file is there as a whole, for its owner, or as it was before.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "proof.html")
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil { //nolint:gosec // as it may have been
		t.Fatal(err)
	}
	wantFile := func(text string, others int) {
		t.Helper()
		got, err := os.ReadFile(path)
		list, listErr := os.ReadDir(dir)
		if err != nil || listErr != nil || string(got) != text || len(list) != 1+others {
			t.Errorf("%q, %d files, %v, %v", got, len(list), err, listErr)
		}
	}
	if err := writeFile(path, []byte("after")); err != nil {
		t.Fatal(err)
	}
	wantFile("after", 0)
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i.Mode(), err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(filepath.Join(dir, "folder"), []byte("x")); err == nil {
		t.Error("a folder was overwritten")
	}
	if err := writeFile(filepath.Join(dir, "nowhere", "x"), []byte("x")); err == nil {
		t.Error("written to a folder that is not there")
	}
	wantFile("after", 1)
	if err := writeFile("/dev/null", []byte("x")); err != nil {
		t.Errorf("a device: %v", err)
	}
	if full, err := os.Stat("/dev/full"); err == nil && full.Mode()&os.ModeDevice != 0 {
		if err := writeFile("/dev/full", []byte("x")); err == nil {
			t.Error("a full device took it")
		}
	}
}
