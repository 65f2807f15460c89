package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// imageArchive returns a tar archive of images that are one program for several
// processors. It is an OCI image layout with an index of them
// (github.com/opencontainers/image-spec, image-layout.md) and has, beside that,
// the manifest.json by which docker load finds them, as archives from docker
// save do since Docker 25. There every processor has a tag of its own, for want
// of an index.
func imageArchive(repository string, imgs []v1.Image, at time.Time) (_ []byte, err error) {
	var docker tarball.Manifest
	index := v1.ImageIndex(empty.Index)
	for _, img := range imgs {
		config, err := img.ConfigFile()
		if err != nil {
			return nil, err
		}
		platform := v1.Platform{OS: config.OS, Architecture: config.Architecture}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &platform}})
		entry, err := dockerEntry(img, repository+":"+config.Architecture)
		if err != nil {
			return nil, err
		}
		docker = append(docker, entry)
	}
	manifest, err := json.Marshal(docker)
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "package-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	dir, err := layout.Write(tmp, empty.Index)
	if err != nil {
		return nil, err
	}
	// The names under which containerd and others import the index.
	names := layout.WithAnnotations(map[string]string{
		"io.containerd.image.name":          "docker.io/" + repository + ":latest",
		"org.opencontainers.image.ref.name": "latest",
	})
	if err := dir.AppendIndex(index, names); err != nil {
		return nil, err
	}
	if err := dir.WriteFile("manifest.json", manifest, 0o644); err != nil {
		return nil, err
	}
	files, err := filesBelow(tmp)
	if err != nil {
		return nil, err
	}
	return tarArchive(files, at)
}

// dockerEntry describes an image of a layout to docker load.
func dockerEntry(img v1.Image, tag string) (tarball.Descriptor, error) {
	blob := func(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }
	config, err := img.ConfigName()
	if err != nil {
		return tarball.Descriptor{}, err
	}
	layers, err := img.Layers()
	if err != nil {
		return tarball.Descriptor{}, err
	}
	d := tarball.Descriptor{Config: blob(config), RepoTags: []string{tag}}
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return tarball.Descriptor{}, err
		}
		d.Layers = append(d.Layers, blob(digest))
	}
	return d, nil
}

func filesBelow(dir string) ([]file, error) {
	var files []file
	root := os.DirFS(dir)
	return files, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, name)
		files = append(files, file{name: name, data: data})
		return err
	})
}
