package bucket

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// directory writes the objects of a file:// bucket.
//
// fileblob writes a temporary file and renames it to its target. Where that
// file lies in the folder for temporary files, a kill leaves nothing where
// objects are read; but a rename does not reach another mount, nor on some file
// systems another folder of the same one (quotas by project, encryption by
// folder), and no number tells beforehand. So it is tried, once for each folder
// written to, and where it fails the temporary file lies beside its target.
//
// Both ways write content alone. The attributes are written by [attributes]:
// fileblob would take the MD5 of all content for them, which nobody reads, and
// which takes longer than to write it.
type directory struct {
	path   string // locked while an object is created
	mode   os.FileMode
	skip   bool   // objects have no attributes
	prefix string // of the objects' keys
	always bool   // beside

	apart, beside *blob.Bucket // write with the temporary file there

	mu      sync.Mutex
	reached map[string]bool // by folder: a rename from the temporary one gets there
}

func openDirectory(path string, mode os.FileMode, a Address) (*directory, error) {
	d := &directory{path: path, mode: mode, skip: a.Param("metadata") != "", prefix: a.Prefix, reached: map[string]bool{}}
	d.always, _ = a.flag("no_tmp_dir")
	for b, beside := range map[**blob.Bucket]bool{&d.apart: false, &d.beside: true} {
		opened, err := fileblob.OpenBucket(path, &fileblob.Options{DirFileMode: mode, NoTempDir: beside, Metadata: fileblob.MetadataDontWrite})
		if err != nil {
			return nil, errors.Join(err, d.close())
		}
		*b = under(opened, a)
	}
	return d, nil
}

// own returns the options of the bucket that does all but write uploads. What
// is written through it all the same works anywhere.
func (d *directory) own() *fileblob.Options {
	o := &fileblob.Options{DirFileMode: d.mode, NoTempDir: true}
	if d.skip {
		o.Metadata = fileblob.MetadataDontWrite
	}
	return o
}

func (d *directory) close() error {
	var errs []error
	for _, b := range []*blob.Bucket{d.apart, d.beside} {
		if b != nil {
			errs = append(errs, b.Close())
		}
	}
	return errors.Join(errs...)
}

// writer returns what writes the content of the object at key.
func (d *directory) writer(key string) *blob.Bucket {
	if d.always || !d.reaches(filepath.Dir(d.file(key))) {
		return d.beside
	}
	return d.apart
}

// file returns the path of the object at key.
func (d *directory) file(key string) string {
	return filepath.Join(d.path, filepath.FromSlash(escapeKey(d.prefix+key)))
}

// holds tells whether a file can have the name of the object at key: a path has
// no piece . or .., and would be that of another object, or of a folder. What ends
// like the attributes of an object is taken for these. A path that is too long is
// found out before half of its folders are made.
func (d *directory) holds(key string) bool {
	if strings.HasSuffix(key, attributesExt) || len(d.file(key)) >= longestPath {
		return false
	}
	for piece := range strings.SplitSeq(escapeKey(d.prefix+key), "/") {
		if piece == "." || piece == ".." {
			return false
		}
	}
	return true
}

// escapeKey writes a key as fileblob does for it to be a path: what a path
// cannot have, or would lose, as its number in hexadecimal digits between
// underscores, and what looks like that too.
func escapeKey(key string) string {
	var b strings.Builder
	for i, r := range key {
		before := key[:i]
		lost := r == '/' && (strings.HasSuffix(before, "..") || strings.HasSuffix(before, "/") || i == len(key)-1)
		if r < ' ' || lost || isEscape(key[i:]) {
			fmt.Fprintf(&b, "__%#x__", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// longestPath is that of Linux, with the zero byte behind it (PATH_MAX, limits.h).
const longestPath = 4096

func isEscape(s string) bool {
	s, is := strings.CutPrefix(s, "__0x")
	digits, rest, ends := strings.Cut(s, "_")
	_, err := strconv.ParseInt(digits, 16, 32)
	return is && ends && strings.HasPrefix(rest, "_") && err == nil
}

// lock keeps every other process, and this one, from creating an object until
// unlock is called.
func (d *directory) lock() (unlock func(), err error) {
	dir, err := os.Open(d.path)
	if err != nil {
		return nil, err
	}
	for {
		// A signal ends the wait for a lock; the Go runtime sends itself many.
		if err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = dir.Close()
		return nil, fmt.Errorf("lock %s: %w", d.path, err)
	}
	return func() { _ = dir.Close() }, nil
}

// reaches tells whether a rename from the folder for temporary files gets to
// folder, which may have to be made yet.
func (d *directory) reaches(folder string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		if info, err := os.Stat(folder); err == nil && info.IsDir() || len(folder) <= len(d.path) {
			break
		}
		folder = filepath.Dir(folder)
	}
	yes, known := d.reached[folder]
	if !known {
		yes = renames(os.TempDir(), folder)
		d.reached[folder] = yes
	}
	return yes
}

// renames tries to rename a file from one folder to another. A list of objects
// passes by what it is called there.
func renames(from, to string) bool {
	f, err := os.CreateTemp(from, ".siemfeed-*.attrs")
	if err != nil {
		return false
	}
	_ = f.Close()
	probe := f.Name()
	if err := os.Rename(probe, filepath.Join(to, filepath.Base(probe))); err != nil {
		_ = os.Remove(probe)
		return false
	}
	return os.Remove(filepath.Join(to, filepath.Base(probe))) == nil
}

// unfinished tells whether key is that of a temporary file that fileblob put
// beside its target: its name, the time in nanoseconds, and .tmp. A kill leaves
// it behind.
func (d *directory) unfinished(key string) bool {
	return strings.HasSuffix(key, ".tmp") && temporary.MatchString(key)
}

var temporary = regexp.MustCompile(`\.[0-9a-f]{16}\.tmp$`)
