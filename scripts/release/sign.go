package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/siemfeed/siemfeed/pkg/attest"
	"github.com/siemfeed/siemfeed/pkg/provenance"
)

const (
	// keyVariable holds the private key where no file does.
	keyVariable = "SIEMFEED_RELEASE_KEY"
	// publicKey is what users check a release with, in the source.
	publicKey = ".github/release.pem"

	signedFile   = "provenance.dsse.json"
	unsignedFile = "provenance.json"
)

// signingKey returns the key that a release is signed with; nil where none is given.
// Where the source has a public key, it has to be its private part: nobody could
// check what another one signs.
func signingKey(s source, file string) (*attest.Private, error) {
	if file == "" && os.Getenv(keyVariable) == "" {
		return nil, nil
	}
	key, err := attest.ReadPrivate(file, keyVariable)
	if err != nil {
		return nil, err
	}
	public, err := attest.ReadPublic(filepath.Join(s.dir, publicKey))
	if errors.Is(err, fs.ErrNotExist) {
		return &key, nil
	}
	if err != nil {
		return nil, err
	}
	given, err := key.KeyID()
	if err != nil {
		return nil, err
	}
	if known, err := public.KeyID(); err != nil || known != given {
		return nil, errors.Join(err, fmt.Errorf("the private key is not that of %s, which users check with", publicKey))
	}
	return &key, nil
}

// sign writes the provenance of subjects into dir. What has changes that no commit
// has gets none: it would name a commit that it was not built from.
func sign(ctx context.Context, s source, dir string, subjects []attest.Subject, key *attest.Private) error {
	if s.dirty {
		return nil
	}
	toolchain, err := output(ctx, s.dir, nil, "go", "env", "GOVERSION")
	if err != nil {
		return err
	}
	statement := provenance.Of(provenance.Build{
		Commit: s.commit, Tag: s.tag, Version: s.version, Command: []string{"make", "release"}, Go: toolchain, Time: s.time,
	}, subjects)
	name, text := signedFile, []byte(nil)
	if key != nil {
		text, err = attest.Seal(ctx, statement, *key)
	} else {
		name = unsignedFile
		text, err = json.Marshal(statement)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), append(text, '\n'), 0o644)
}
