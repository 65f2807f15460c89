package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
)

// commandArchive builds the operator's command for people to run: a tar archive,
// packed by gzip.
func commandArchive(ctx context.Context, m module, name string, on []platform) ([]byte, error) {
	if name != operator {
		return nil, fmt.Errorf("no command: only %s is one", operator)
	}
	program, err := m.program(ctx, name, on[0])
	if err != nil {
		return nil, err
	}
	files := []file{{name: name, data: program, executable: true}}
	for _, beside := range []string{"LICENSE", "README.md"} {
		f, err := m.read(beside)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	archive, err := tarArchive(files, m.time)
	if err != nil {
		return nil, err
	}
	return packed(archive)
}

// packed returns data packed by gzip, without a name or a time.
func packed(data []byte) ([]byte, error) {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
