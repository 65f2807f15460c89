package main

import (
	"errors"
	"os"
	"path/filepath"
)

// writeFile writes a file that only its owner may read. What was there under its
// name stays until all is written, so that a full disk leaves no half of it.
func writeFile(path string, data []byte) (err error) {
	if i, err := os.Stat(path); err == nil && !i.Mode().IsRegular() {
		return os.WriteFile(path, data, 0o600) // such as /dev/stdout
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // for its owner alone
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			at.Path = path // which is what was asked for
		}
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the error is that it was not written
		}
	}()
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
