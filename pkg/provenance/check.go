package provenance

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// Checked is what came of a check.
type Checked struct {
	Same   []string // files that are as they were built
	Absent []string // files that are not there
	Other  []Other  // files that are not as they were built
}

// Other is a file that is not as it was built: its SHA-256, in hex, and what it
// was.
type Other struct{ Name, Is, Was string }

// Check compares the files that s is about with those of the same name in dir. A
// file that is not there is no finding: few want all of a release. A subject that
// names no file, as that of an image, is left out.
func (s Statement) Check(dir string) (c Checked, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, subject := range s.Subject {
		if strings.Contains(subject.Name, "/") {
			continue
		}
		want := subject.Digest["sha256"]
		switch got, err := sum(root, subject.Name); {
		case errors.Is(err, fs.ErrNotExist):
			c.Absent = append(c.Absent, subject.Name)
		case err != nil:
			return c, err
		case got != want:
			c.Other = append(c.Other, Other{Name: subject.Name, Is: got, Was: want})
		default:
			c.Same = append(c.Same, subject.Name)
		}
	}
	return c, nil
}

// sum returns the SHA-256 of a file, in hex.
func sum(root *os.Root, name string) (_ string, err error) {
	f, err := root.Open(name)
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
