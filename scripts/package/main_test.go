package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// packaged runs the command for one function, the last of args, and returns the archive's bytes and its contents.
func packaged(t *testing.T, args ...string) ([]byte, map[string][]byte) {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	if err := run(t.Context(), append([]string{"-o", dir}, args...), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, args[len(args)-1]+".zip")
	if !strings.HasPrefix(out.String(), path) {
		t.Errorf("said %q", out.String())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if contents[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return data, contents
}

func TestArchiveHoldsTheFunctionAndNoMore(t *testing.T) {
	data, contents := packaged(t, "muleaudit")
	for _, name := range []string{"LICENSE", "go.mod", "go.sum", "project.toml", "function.go", "functions/muleaudit/function.go", "pkg/serve/main.go"} {
		if len(contents[name]) == 0 {
			t.Errorf("%s is missing", name)
		}
	}
	for name := range contents {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/cmd/") ||
			strings.HasPrefix(name, "pkg/emulator/") || strings.HasPrefix(name, "scripts/") || name == "pkg/version/stamped.go" {
			t.Errorf("%s has no business here", name)
		}
	}
	mod := string(contents["go.mod"])
	if !strings.Contains(mod, "functions-framework-go v") || strings.Contains(mod, "go.uber.org/goleak") {
		t.Errorf("go.mod is not that of the function alone:\n%s", mod)
	}
	if again, _ := packaged(t, "muleaudit"); !bytes.Equal(data, again) {
		t.Error("the same source gave other bytes")
	}
}

func TestArchivesIgnoreTheOrderOfTheirFiles(t *testing.T) {
	a, b := file{name: "a", data: []byte("1")}, file{name: "b/c", data: []byte("2")}
	for name, archive := range map[string]func([]file, time.Time) ([]byte, error){"zip": zipArchive, "tar": tarArchive} {
		one, err := archive([]file{a, b}, epoch)
		if err != nil {
			t.Fatal(err)
		}
		other, err := archive([]file{b, a}, epoch)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one, other) {
			t.Errorf("%s: the order of the files shows in the archive", name)
		}
	}
}

func TestRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"name a function":            {},
		"unknown format":             {"-format", "gcf,tar", "muleaudit"},
		"want one such as v1.2.3":    {"-version", "v1.2.3 -X main.x=y", "muleaudit"},
		"no such function":           {"nosuch"},
		"not the name of a function": {"../pkg/serve"},
	} {
		err := run(t.Context(), append([]string{"-o", t.TempDir()}, args...), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
