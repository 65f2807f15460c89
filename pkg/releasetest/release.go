// Package releasetest holds a release to the state of those before it: what they
// left was recorded by running their own binaries, and lies in a function's
// testdata/released, a folder a release.
//
// To record what a release leaves, build its functions and run each one's
// recording with them, from the tree in which the next release is made:
//
//	go test ./functions/... -run '^TestRecord$' -record v1.2.3=/path/to/its/binaries
package releasetest

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/siemfeed/siemfeed/pkg/bucket"
)

// root is where the recordings of a function lie.
const root = "testdata/released"

var record = flag.String("record", "", "record what a release leaves: its name, =, and the `directory` of its binaries")

// Release is what a release left behind.
type Release struct {
	Name string
	// Recorded is when that was.
	Recorded time.Time

	dir   string
	times map[string]time.Time // of files in it
}

// about is kept beside what was left.
type about struct {
	Recorded time.Time `json:"recorded"`
	// Times are those of files, which a directory's ETags are made of and which a
	// checkout does not keep.
	Times map[string]time.Time `json:"times,omitempty"`
}

const aboutFile = "about.json"

// Each has test look at what each release left.
func Each(t *testing.T, test func(t *testing.T, r *Release)) {
	t.Helper()
	list, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		t.Run(d.Name(), func(t *testing.T) {
			r := &Release{Name: d.Name(), dir: filepath.Join(root, d.Name())}
			var a about
			if err := json.Unmarshal(r.File(t, aboutFile), &a); err != nil {
				t.Fatal(err)
			}
			r.Recorded, r.times = a.Recorded, a.Times
			test(t, r)
		})
	}
}

// File returns a file that was recorded.
func (r *Release) File(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// JSON reads a file that was recorded into v.
func (r *Release) JSON(t testing.TB, name string, v any) {
	t.Helper()
	if err := json.Unmarshal(r.File(t, name), v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Copy puts a folder that was recorded into the directory of a file:// URL.
func (r *Release) Copy(t testing.TB, folder, url string) {
	t.Helper()
	dir := directory(url)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(r.dir, folder))); err != nil {
		t.Fatal(err)
	}
	for name, at := range r.times {
		if rest, ok := strings.CutPrefix(name, folder+"/"); ok {
			if err := os.Chtimes(filepath.Join(dir, rest), at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Load puts a folder that was recorded into a bucket of another kind, where ETags
// differ from those of then. A directory is not for virtual time: what it is
// written by names its files by the clock.
func (r *Release) Load(t testing.TB, folder string, b *bucket.Bucket) {
	t.Helper()
	for name, text := range Tree(t, filepath.Join(r.dir, folder)) {
		if strings.HasSuffix(name, ".attrs") {
			continue
		}
		var attrs struct {
			ContentType string            `json:"user.content_type"`
			Metadata    map[string]string `json:"user.metadata"`
		}
		beside, err := os.ReadFile(filepath.Join(r.dir, folder, name+".attrs"))
		if err == nil {
			err = json.Unmarshal(beside, &attrs)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		_, err = b.Put(t.Context(), name, strings.NewReader(text), blob.WriterOptions{ContentType: attrs.ContentType, Metadata: attrs.Metadata})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func directory(url string) string {
	dir, _, _ := strings.Cut(strings.TrimPrefix(url, "file://"), "?")
	return dir
}

// Tree returns the content of each file in the directory of a file:// URL.
func Tree(t testing.TB, url string) map[string]string {
	t.Helper()
	all := map[string]string{}
	dir := os.DirFS(directory(url))
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		all[name] = string(data)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

// Age makes what lies by day in a directory, in folders such as 2026/11/26, as
// old as if it had been written at a time.
func Age(t testing.TB, url string, to time.Time) {
	t.Helper()
	dir := directory(url)
	for name, text := range maps.All(Tree(t, url)) {
		parts := strings.Split(name, "/")
		for i := 0; i+3 < len(parts); i++ {
			if _, err := time.Parse("2006/01/02", strings.Join(parts[i:i+3], "/")); err != nil {
				continue
			}
			moved := filepath.Join(append(append([]string{dir}, parts[:i]...), to.Format("2006/01/02"), parts[len(parts)-1])...)
			info, err := os.Stat(filepath.Join(dir, name))
			if err == nil {
				err = errors.Join(os.MkdirAll(filepath.Dir(moved), 0o750), os.WriteFile(moved, []byte(text), 0o600), os.Chtimes(moved, info.ModTime(), info.ModTime()))
			}
			if err := errors.Join(err, os.Remove(filepath.Join(dir, name))); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
}
