package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// module is a Go module on disk.
type module struct {
	Path string
	Dir  string

	version string            // what is built says it is; empty for what it knows itself
	time    time.Time         // of all files in archives
	built   map[string][]byte // see build
}

// findModule returns the module of the working directory.
func findModule(ctx context.Context) (module, error) {
	m := module{time: epoch, built: map[string][]byte{}}
	out, err := goCommand(ctx, ".", nil, "list", "-m", "-json")
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
}

// checkFunction tells whether the module has a function of that name.
func (m module) checkFunction(name string) error {
	if !token.IsIdentifier(name) {
		return errors.New("not the name of a function")
	}
	if _, err := os.Stat(filepath.Join(m.Dir, "functions", name)); err != nil {
		return fmt.Errorf("no such function: %w", err)
	}
	return nil
}

// goPackage is what `go list -json` tells of a package, as far as it matters
// here.
type goPackage struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	SFiles     []string
	HFiles     []string
	EmbedFiles []string
	Module     *struct{ Main bool }
}

// closure returns the files of the module's own packages that the packages of
// patterns are made of, themselves included, named as below the module's root.
// Tests stay out, and so do files for other systems: `go mod tidy` looks at all
// files, and would miss what those import.
func (m module) closure(ctx context.Context, patterns ...string) ([]file, error) {
	out, err := goCommand(ctx, m.Dir, nil, append([]string{"list", "-deps", "-json=ImportPath,Dir,GoFiles,SFiles,HFiles,EmbedFiles,Module"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	var files []file
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, name := range slices.Concat(p.GoFiles, p.SFiles, p.HFiles, p.EmbedFiles) {
			f, err := m.read(path.Join(strings.TrimPrefix(p.ImportPath, m.Path), name))
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
}

// read returns a file of the module.
func (m module) read(name string) (file, error) {
	name = strings.TrimPrefix(name, "/")
	data, err := os.ReadFile(filepath.Join(m.Dir, filepath.FromSlash(name)))
	return file{name: name, data: data}, err
}

// tidy returns the files with the module's go.mod and go.sum, cut down to what
// the files need. It may ask the module proxy.
func (m module) tidy(ctx context.Context, files []file) (_ []file, err error) {
	tmp, err := os.MkdirTemp("", "package-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	files = slices.Clone(files)
	for _, name := range []string{"go.mod", "go.sum"} {
		f, err := m.read(name)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	for _, f := range files {
		if err := write(filepath.Join(tmp, filepath.FromSlash(f.name)), f.data); err != nil {
			return nil, err
		}
	}
	if _, err := goCommand(ctx, tmp, []string{"GOFLAGS=-mod=mod"}, "mod", "tidy"); err != nil {
		return nil, err
	}
	small := module{Path: m.Path, Dir: tmp}
	for i := range files {
		if files[i], err = small.read(files[i].name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// goCommand runs the go command for the system that functions run on, and
// without the caller's own settings: neither may show in the result. What env has
// goes first.
func goCommand(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=",
		"GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off") // the defaults
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return out, nil
}
