package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/siemfeed/siemfeed/pkg/proctest"
)

// runInImage loads the archive as a registry's client does, and starts what is
// in the image.
func runInImage(t *testing.T, m module, program []byte) {
	built, err := functionImage(m, "muleaudit", runtime.GOARCH, program)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := imageArchive("siemfeed/muleaudit", []v1.Image{built}, m.time)
	if err != nil {
		t.Fatal(err)
	}
	img := loadLayout(t, archive)[runtime.GOARCH]
	if img == nil {
		t.Fatal("no image for this processor")
	}
	root := t.TempDir()
	files := mutate.Extract(img)
	names := untar(t, files, root)
	if err := files.Close(); err != nil {
		t.Error(err)
	}
	if want := []string{"LICENSE", "etc/ssl/certs/ca-certificates.crt", "muleaudit"}; !slices.Equal(names, want) {
		t.Errorf("the image has %v", names)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(root, config.Config.Entrypoint[0])
	checkStatic(t, bin)

	p := proctest.Start(t, bin, sourceOf(t, 100, nil))
	status, answer, err := p.Post(t.Context(), `{}`, nil)
	if err != nil || status != http.StatusOK {
		t.Errorf("answered %d, %v", status, err)
	}
	checkReceipt(t, answer, 100)
	if err := p.Stop(syscall.SIGTERM, time.Minute); err != nil {
		t.Error(err)
	}
}

// fakeArchive is an archive of images without a true program.
func fakeArchive(t *testing.T) []byte {
	t.Helper()
	var imgs []v1.Image
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := image("fn", arch, "v1.2.3", epoch, []file{{name: "fn", data: []byte("program for " + arch), executable: true}})
		if err != nil {
			t.Fatal(err)
		}
		imgs = append(imgs, img)
	}
	archive, err := imageArchive("siemfeed/fn", imgs, epoch)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

func TestImageArchiveIsAnIndexOfBothProcessors(t *testing.T) {
	archive := fakeArchive(t)
	if !bytes.Equal(archive, fakeArchive(t)) {
		t.Error("the same files gave other bytes")
	}
	imgs := loadLayout(t, archive)
	if len(imgs) != 2 {
		t.Errorf("%d images", len(imgs))
	}
	for arch, img := range imgs {
		if err := validate.Image(img); err != nil {
			t.Errorf("%s: %v", arch, err)
		}
		f, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		c := f.Config
		if f.OS != "linux" || f.Architecture != arch || !f.Created.Equal(epoch) || c.User != nobody ||
			!slices.Equal(c.Entrypoint, []string{"/fn"}) || c.Cmd != nil || c.Labels["org.opencontainers.image.title"] != "fn" || c.Labels["org.opencontainers.image.version"] != "v1.2.3" {
			t.Errorf("%s: %+v", arch, f)
		}
		root := t.TempDir()
		untar(t, mutate.Extract(img), root)
		info, err := os.Stat(filepath.Join(root, "fn"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o755 {
			t.Errorf("%s: the program has mode %v", arch, info.Mode())
		}
	}
}

// docker load finds the same images.
func TestImageArchiveIsReadByDocker(t *testing.T) {
	archive := fakeArchive(t)
	for arch, img := range loadLayout(t, archive) {
		tag, err := name.NewTag("siemfeed/fn:" + arch)
		if err != nil {
			t.Fatal(err)
		}
		docker, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }, &tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(docker); err != nil {
			t.Errorf("%s: %v", arch, err)
		}
		want, err := img.ConfigName() // an image's id to Docker
		if err != nil {
			t.Fatal(err)
		}
		if got, err := docker.ConfigName(); err != nil || got != want {
			t.Errorf("%s: image %v, %v, the index has %v", arch, got, err, want)
		}
	}
}

func TestRootCertificates(t *testing.T) {
	subjects := map[string]bool{}
	for rest := rootCertificates(); len(rest) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			t.Fatalf("not PEM: %q", rest)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		subjects[cert.Subject.CommonName] = true
	}
	// Some that sign for the hosts which functions speak to.
	for _, name := range []string{"GTS Root R1", "DigiCert Global Root G2", "Amazon Root CA 1", "GlobalSign"} {
		if !subjects[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

// loadLayout returns the images of the one index in an archive, by processor.
func loadLayout(t *testing.T, archive []byte) map[string]v1.Image {
	t.Helper()
	dir := t.TempDir()
	untar(t, bytes.NewReader(archive), dir)
	path, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(manifest.Manifests); n != 1 || manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "latest" {
		t.Fatalf("index.json: %+v", manifest)
	}
	index, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	imgs := map[string]v1.Image{}
	for _, d := range inner.Manifests {
		if imgs[d.Platform.Architecture], err = index.Image(d.Digest); err != nil {
			t.Fatal(err)
		}
	}
	return imgs
}

// untar writes the files of an archive into dir, and returns their names in
// order.
func untar(t *testing.T, r io.Reader, dir string) []string {
	t.Helper()
	var names []string
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(names)
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, h.FileInfo().Mode()); err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
}
