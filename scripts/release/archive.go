package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// archive is a file of a release that scripts/package has written, and what is known
// of it from itself alone.
type archive struct {
	name    string
	modules []module // that are in it, once each
	image   *image   // nil unless it holds container images
}

// readArchives returns the archives in dir.
func readArchives(dir string) ([]archive, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []archive
	for _, f := range files {
		a, err := readArchive(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		list = append(list, a)
	}
	return list, nil
}

func readArchive(path string) (a archive, err error) {
	a.name = filepath.Base(path)
	switch {
	case strings.HasSuffix(a.name, ".tar.gz"):
		a.modules, err = modulesOfCommand(path)
	case strings.HasSuffix(a.name, ".tar"):
		a.image, a.modules, err = readImage(path)
	case strings.HasSuffix(a.name, ".zip"):
		a.modules, err = modulesOfZip(path)
	default:
		err = errors.New("no archive that is known")
	}
	return a, err
}

// modulesOfCommand reads the operator's command.
func modulesOfCommand(path string) ([]module, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", operator, err)
		}
		if h.Name == operator {
			return modulesOfProgram(t)
		}
	}
}

// modulesOfZip reads a built function, or the source of one.
func modulesOfZip(path string) ([]module, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = z.Close() }()
	if f, err := z.Open("bootstrap"); err == nil {
		defer func() { _ = f.Close() }()
		return modulesOfProgram(f)
	}
	var mod, sum bytes.Buffer
	for name, to := range map[string]*bytes.Buffer{"go.mod": &mod, "go.sum": &sum} {
		f, err := z.Open(name)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(to, f); err != nil { //nolint:gosec // of an archive that was just made
			return nil, err
		}
		_ = f.Close()
	}
	return modulesOfSource(mod.Bytes(), sum.Bytes())
}
