package releasetest

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Recording is of what a release leaves behind.
type Recording struct {
	// Binary is the function, as it was released.
	Binary string

	t     testing.TB
	dir   string
	times map[string]time.Time
}

// Record has do run a released function and keep what that leaves. It skips the
// test unless -record names a release.
func Record(t *testing.T, function string, do func(r *Recording)) {
	t.Helper()
	name, binaries, ok := strings.Cut(*record, "=")
	if !ok {
		t.Skip("-record names no release")
	}
	r := &Recording{t: t, Binary: filepath.Join(binaries, function), dir: filepath.Join(root, name), times: map[string]time.Time{}}
	if _, err := os.Stat(r.Binary); err != nil {
		t.Skipf("the release has none: %v", err)
	}
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	do(r)
	r.JSON(aboutFile, about{time.Now().UTC().Truncate(time.Second), r.times})
}

// Write keeps a file.
func (r *Recording) Write(name string, data []byte) {
	r.t.Helper()
	file := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil { //nolint:gosec // of a test
		r.t.Fatal(err)
	}
}

// JSON keeps v in a file.
func (r *Recording) JSON(name string, v any) {
	r.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Write(name, append(data, '\n'))
}

// Keep keeps what is in the directory of a file:// URL as a folder, but for what
// was being written when somebody was killed.
func (r *Recording) Keep(folder, url string) {
	r.t.Helper()
	dir := directory(url)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rest, err := filepath.Rel(dir, name)
		if err != nil || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "fileblob") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name) //nolint:gosec // of a test
		if err != nil {
			return err
		}
		kept := folder + "/" + filepath.ToSlash(rest)
		r.Write(kept, data)
		if !strings.HasSuffix(kept, ".attrs") {
			r.times[kept] = info.ModTime().UTC()
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
}
