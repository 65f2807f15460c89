package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"io/fs"
	"slices"
	"time"
)

// file is one file of an archive.
type file struct {
	name       string // below the archive's root, with slashes
	data       []byte
	executable bool
}

// epoch is the earliest time that a zip archive can tell.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// sorted returns the files in the order of their names.
func sorted(files []file) []file {
	return slices.SortedFunc(slices.Values(files), func(a, b file) int { return cmp.Compare(a.name, b.name) })
}

func (f file) mode() fs.FileMode {
	if f.executable {
		return 0o755
	}
	return 0o644 // the buildpack refuses a go.mod it cannot write
}

// zipArchive returns a zip archive of the files, all of one time. It depends on
// nothing else: they are in the order of their names.
func zipArchive(files []file, at time.Time) ([]byte, error) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, f := range sorted(files) {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at}
		h.SetMode(f.mode())
		w, err := z.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// tarArchive returns a tar archive of the files, all of one time, which depends on
// nothing else either. All belong to root.
func tarArchive(files []file, at time.Time) ([]byte, error) {
	var buf bytes.Buffer
	t := tar.NewWriter(&buf)
	for _, f := range sorted(files) {
		h := &tar.Header{Name: f.name, Mode: int64(f.mode()), Size: int64(len(f.data)), ModTime: at, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := t.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
