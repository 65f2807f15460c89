package main

import (
	"archive/zip"
	"bytes"
	"cmp"
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

// archive returns a zip archive of the files. It depends on nothing but them:
// they are in the order of their names and all of one time.
func archive(files []file) ([]byte, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: epoch}
		h.SetMode(0o644) // the buildpack refuses a go.mod it cannot write
		if f.executable {
			h.SetMode(0o755)
		}
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
