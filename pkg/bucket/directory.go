package bucket

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

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
type directory struct {
	path string // locked while an object is created
	mode os.FileMode
	skip bool // objects have no attributes
	// writers are the ways to write, but for the bucket's own.
	writers map[manner]*blob.Bucket
	prefix  string // of the objects' keys
	beside  bool   // always

	mu      sync.Mutex
	reached map[string]bool // by folder: a rename from the temporary one gets there
}

// manner is how an object is written: with its temporary file beside it, and
// bare of the file of attributes that fileblob puts there too.
type manner struct{ beside, bare bool }

func openDirectory(path string, mode os.FileMode, a Address) (*directory, error) {
	d := &directory{path: path, mode: mode, skip: a.Param("metadata") != "", prefix: a.Prefix, writers: map[manner]*blob.Bucket{}, reached: map[string]bool{}}
	d.beside, _ = a.flag("no_tmp_dir")
	for _, m := range []manner{{false, false}, {false, true}, {true, false}, {true, true}} {
		if m == d.own() {
			continue
		}
		b, err := fileblob.OpenBucket(path, d.options(m))
		if err != nil {
			return nil, errors.Join(err, d.close())
		}
		d.writers[m] = under(b, a)
	}
	return d, nil
}

// own is the manner in which all that needs no other is done: it works anywhere.
func (d *directory) own() manner { return manner{beside: true, bare: d.skip} }

func (d *directory) options(m manner) *fileblob.Options {
	o := &fileblob.Options{DirFileMode: d.mode, NoTempDir: m.beside}
	if m.bare {
		o.Metadata = fileblob.MetadataDontWrite
	}
	return o
}

func (d *directory) close() error {
	var errs []error
	for _, b := range d.writers {
		errs = append(errs, b.Close())
	}
	return errors.Join(errs...)
}

// writer returns what writes the object at key, with attributes or bare; nil
// if that is the bucket's own manner.
func (d *directory) writer(key string, bare bool) *blob.Bucket {
	folder := filepath.Dir(filepath.Join(d.path, filepath.FromSlash(d.prefix+key)))
	return d.writers[manner{beside: d.beside || !d.reaches(folder), bare: bare || d.skip}]
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
