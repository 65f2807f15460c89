package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// The variables that log in to a registry.
const (
	userVariable     = "REGISTRY_USER"
	passwordVariable = "REGISTRY_PASSWORD"
)

// push copies the images in o.out to a registry, where each is o.to/<function>:<version>,
// and prints their digests there. Images are not pushed unless their archives are those
// that the checksums beside them list.
func push(ctx context.Context, o options, out io.Writer) error {
	if o.to == "" {
		return errors.New("-to: name the registry and the path of the images")
	}
	archives, err := filepath.Glob(filepath.Join(o.out, "*-oci.tar"))
	if err != nil {
		return err
	}
	if len(archives) == 0 {
		return fmt.Errorf("no images in %s: run release build", o.out)
	}
	if err := checkSums(o.out); err != nil {
		return err
	}
	for _, path := range archives {
		reference, err := pushIndex(ctx, path, o.to)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		if _, err := fmt.Fprintln(out, reference); err != nil {
			return err
		}
	}
	return nil
}

// pushIndex copies the images of an archive, and returns the reference to deploy them
// by.
func pushIndex(ctx context.Context, path, to string) (reference string, err error) {
	index, done, err := openIndex(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, done()) }()
	function, version, err := labels(index)
	if err != nil {
		return "", err
	}
	tag, err := name.NewTag(to+"/"+function+":"+version, name.StrictValidation)
	if err != nil {
		return "", err
	}
	login := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if user := os.Getenv(userVariable); user != "" {
		login[1] = remote.WithAuth(&authn.Basic{Username: user, Password: os.Getenv(passwordVariable)})
	}
	if err := remote.WriteIndex(tag, index, login...); err != nil {
		return "", err
	}
	digest, err := index.Digest()
	if err != nil {
		return "", err
	}
	return tag.Digest(digest.String()).String(), nil
}

// labels returns the function and the version that images say they are of.
func labels(index v1.ImageIndex) (function, version string, err error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", "", err
	}
	if len(manifest.Manifests) == 0 {
		return "", "", errors.New("an index without images")
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return "", "", err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return "", "", err
	}
	l := file.Config.Labels
	return l["org.opencontainers.image.title"], l["org.opencontainers.image.version"], nil
}
