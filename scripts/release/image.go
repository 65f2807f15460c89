package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/siemfeed/siemfeed/pkg/attest"
)

// imagesFile lists the images, each by the digest to deploy it by.
const imagesFile = "images.txt"

// image is what is known of a function's container images: one for every
// processor, in an index.
type image struct {
	name   string // of the function
	digest v1.Hash
}

// writeImages writes the images' digests into dir, and returns them as subjects of
// provenance.
func writeImages(dir string, archives []archive) ([]attest.Subject, error) {
	var text strings.Builder
	var subjects []attest.Subject
	for _, a := range archives {
		if a.image == nil {
			continue
		}
		_, _ = fmt.Fprintf(&text, "%s@%s\n", a.image.name, a.image.digest)
		subjects = append(subjects, attest.Subject{Name: operator + "/" + a.image.name, Digest: map[string]string{a.image.digest.Algorithm: a.image.digest.Hex}})
	}
	if subjects == nil {
		return nil, nil
	}
	return subjects, os.WriteFile(filepath.Join(dir, imagesFile), []byte(text.String()), 0o644)
}

// readImage returns the images of an archive, and the modules that are in them.
func readImage(path string) (_ *image, _ []module, err error) {
	index, done, err := openIndex(path)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	i := &image{name: strings.TrimSuffix(filepath.Base(path), "-oci.tar")}
	if i.digest, err = index.Digest(); err != nil {
		return nil, nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, nil, err
	}
	var modules [][]module
	for _, d := range manifest.Manifests {
		img, err := index.Image(d.Digest)
		if err != nil {
			return nil, nil, err
		}
		of, err := modulesOfImage(img, i.name)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", d.Platform, err)
		}
		modules = append(modules, of)
	}
	return i, union(modules...), nil
}

func modulesOfImage(img v1.Image, program string) ([]module, error) {
	files := mutate.Extract(img)
	defer func() { _ = files.Close() }()
	for t := tar.NewReader(files); ; {
		h, err := t.Next()
		if err != nil {
			return nil, fmt.Errorf("look for %s: %w", program, err)
		}
		if h.Name == program {
			return modulesOfProgram(t)
		}
	}
}

// openIndex returns the index of images that an OCI image layout in a tar archive
// holds, until done is called.
func openIndex(path string) (_ v1.ImageIndex, done func() error, err error) {
	dir, err := os.MkdirTemp("", "release-")
	if err != nil {
		return nil, nil, err
	}
	done = func() error { return os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			err = errors.Join(err, done())
		}
	}()
	if err := unpack(path, dir); err != nil {
		return nil, nil, err
	}
	outer, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, nil, err
	}
	manifest, err := outer.IndexManifest()
	if err != nil {
		return nil, nil, err
	}
	if n := len(manifest.Manifests); n != 1 {
		return nil, nil, fmt.Errorf("%d indexes, want one", n)
	}
	index, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	return index, done, err
}

// unpack writes the files of a tar archive below dir, and nothing outside of it.
func unpack(path, dir string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := root.MkdirAll(filepath.Dir(h.Name), 0o755); err != nil {
			return err
		}
		to, err := root.Create(h.Name)
		if err != nil {
			return err
		}
		_, err = io.Copy(to, t) //nolint:gosec // of an archive that was just made, or whose sum was checked
		if err := errors.Join(err, to.Close()); err != nil {
			return err
		}
	}
}
