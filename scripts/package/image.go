package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// nobody is a user without rights or a name. It is a number because Kubernetes
// cannot tell that a name is not root (runAsNonRoot).
const nobody = "65532:65532"

// images builds a function, or the operator's command, into container images in
// one archive: see [imageArchive].
func images(ctx context.Context, m module, name string, on []platform) ([]byte, error) {
	var built []v1.Image
	for _, p := range on {
		program, err := m.program(ctx, name, p)
		if err != nil {
			return nil, err
		}
		img, err := functionImage(m, name, p.arch, program)
		if err != nil {
			return nil, err
		}
		built = append(built, img)
	}
	return imageArchive("siemfeed/"+name, built, m.time)
}

// functionImage returns the image of a function, given its program.
func functionImage(m module, name, arch string, program []byte) (v1.Image, error) {
	license, err := m.read("LICENSE")
	if err != nil {
		return nil, err
	}
	return image(name, arch, m.version, m.time, []file{
		{name: name, data: program, executable: true},
		// Where crypto/x509 looks first (root_linux.go).
		{name: "etc/ssl/certs/ca-certificates.crt", data: rootCertificates()},
		license,
	})
}

// image returns a container image that has the files and nothing else, all of one
// time, and runs the one called name. It depends on nothing but its arguments.
func image(name, arch, version string, at time.Time, files []file) (v1.Image, error) {
	contents, err := tarArchive(files, at)
	if err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(contents)), nil }
	layer, err := tarball.LayerFromOpener(opener,
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.DefaultCompression), tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	base, err = mutate.ConfigFile(base, &v1.ConfigFile{
		OS: "linux", Architecture: arch, Created: v1.Time{Time: at},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Entrypoint:   []string{"/" + name},
			User:         nobody,
			WorkingDir:   "/",
			ExposedPorts: map[string]struct{}{"8080/tcp": {}},
			Labels:       labels(name, version),
		},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(base, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: at}, CreatedBy: "scripts/package -format oci " + name},
	})
}

// labels say what an image is (github.com/opencontainers/image-spec,
// annotations.md).
func labels(name, version string) map[string]string {
	l := map[string]string{
		"org.opencontainers.image.title":    name,
		"org.opencontainers.image.source":   "https://github.com/siemfeed/siemfeed",
		"org.opencontainers.image.licenses": "Apache-2.0",
	}
	if version != "" {
		l["org.opencontainers.image.version"] = version
	}
	return l
}
