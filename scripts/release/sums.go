package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/siemfeed/siemfeed/pkg/attest"
)

// sumsFile lists the SHA-256 of every other file but provenance, for sha256sum -c.
const sumsFile = "checksums.txt"

// writeSums writes the checksums of the files in dir beside them, and returns all
// files as subjects of provenance.
func writeSums(dir string) ([]attest.Subject, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	var subjects []attest.Subject
	add := func(name string) error {
		sum, err := fileSum(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(&text, "%s  %s\n", sum, name)
		subjects = append(subjects, attest.Subject{Name: name, Digest: map[string]string{"sha256": sum}})
		return nil
	}
	for _, f := range files { // in the order of their names
		if err := add(f.Name()); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, sumsFile), []byte(text.String()), 0o644); err != nil {
		return nil, err
	}
	return subjects, add(sumsFile)
}

// fileSum returns the SHA-256 of a file, in hex.
func fileSum(path string) (_ string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// checkSums tells whether every file that the checksums in dir list is there and as
// it was.
func checkSums(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		want, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok || filepath.Base(name) != name {
			return fmt.Errorf("%s: no line of checksums: %.100q", sumsFile, line)
		}
		got, err := fileSum(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%s is not the file that %s lists", name, sumsFile)
		}
	}
	return nil
}
