// Package versity runs versitygw, a real S3 server, on a directory.
package versity

import (
	"context"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// Objects is the folder of the directory with a folder for each bucket.
const Objects = "objects"

// Serve listens on address until ctx ends. There can be one server in a
// process, and it changes the working directory.
func Serve(ctx context.Context, dir, address, region, accessKey, secretKey string) error {
	root, side := filepath.Join(dir, Objects), filepath.Join(dir, "metadata")
	for _, d := range []string{root, side} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	// Extended attributes are not to be had on every file system.
	metadata, err := meta.NewSideCar(side)
	if err != nil {
		return err
	}
	store, err := posix.New(root, metadata, posix.PosixOpts{SideCarDir: side})
	if err != nil {
		return err
	}
	return embedgw.RunVersityGW(ctx, store, &embedgw.Config{
		RootUserAccess: accessKey, RootUserSecret: secretKey, Region: region, Ports: []string{address},
		MaxConnections: 1000, MaxRequests: 500, MultipartMaxParts: 10_000, Quiet: true, KeepAlive: true,
	})
}
