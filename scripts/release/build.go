package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// build makes a release in o.out. Until all is made, nothing changes there; then
// the files of the release before are replaced.
func build(ctx context.Context, o options, out io.Writer) (err error) {
	s, err := describe(ctx, o.source)
	if err != nil {
		return err
	}
	if s.dirty && !o.dirty {
		return errors.New("there are changes that no commit has: commit them, or build with -dirty what is no release")
	}
	key, err := signingKey(s, o.key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(o.out, "part-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(part)) }()

	if err := pack(ctx, s, part, o); err != nil {
		return err
	}
	archives, err := readArchives(part)
	if err != nil {
		return err
	}
	digests, err := writeImages(part, archives)
	if err != nil {
		return err
	}
	if err := writeSBOM(ctx, s, part, archives); err != nil {
		return err
	}
	sums, err := writeSums(part)
	if err != nil {
		return err
	}
	if err := sign(ctx, s, part, append(sums, digests...), key); err != nil {
		return err
	}
	if err := replace(part, o.out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "siemfeed %s of commit %s is in %s\n", s.version, s.commit, o.out)
	return err
}

// replace moves the files of a release from part to dir, in place of those that the
// release before had there.
func replace(part, dir string) error {
	for _, name := range releaseFiles(dir) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	files, err := os.ReadDir(part)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := os.Rename(filepath.Join(part, f.Name()), filepath.Join(dir, f.Name())); err != nil {
			return err
		}
	}
	return nil
}

// releaseFiles returns the files of the release in dir: those that its checksums name,
// and what is beside them. Others may be there that are of no release.
func releaseFiles(dir string) (names []string) {
	text, _ := os.ReadFile(filepath.Join(dir, sumsFile)) // or there is no release
	for line := range strings.Lines(string(text)) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok && filepath.Base(name) == name {
			names = append(names, name)
		}
	}
	names = append(names, sumsFile, signedFile, unsignedFile)
	return slices.DeleteFunc(names, func(name string) bool {
		_, err := os.Lstat(filepath.Join(dir, name))
		return err != nil
	})
}
