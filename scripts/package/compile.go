package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// programFlags are buildFlags, and leave out of aws-lambda-go what only the
// retired runtime go1.x needs (aws-lambda-go, README.md). The program is the
// same for every host.
const programFlags = buildFlags + ",lambda.norpc"

// operator is the operator's command, which jobs run: scripts/siemfeed.
const operator = "siemfeed"

// compile returns the program of the function called name, for Linux on
// processors of arch, linked statically.
func (m module) compile(ctx context.Context, name, arch string) ([]byte, error) {
	if err := m.checkFunction(name); err != nil {
		return nil, err
	}
	return m.build(ctx, "./functions/"+name+"/cmd/"+name, arch)
}

// program is [module.compile], and knows the operator's command, too.
func (m module) program(ctx context.Context, name, arch string) ([]byte, error) {
	if name == operator {
		return m.build(ctx, "./scripts/"+operator, arch)
	}
	return m.compile(ctx, name, arch)
}

// build returns the program that the package at path is.
func (m module) build(ctx context.Context, path, arch string) (_ []byte, err error) {
	tmp, err := os.MkdirTemp("", "package-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	bin := filepath.Join(tmp, filepath.Base(path))
	_, err = goCommand(ctx, m.Dir, []string{"GOARCH=" + arch, "GOFLAGS=" + programFlags},
		"build", "-trimpath", "-buildvcs=false", "-ldflags", linkFlags, "-o", bin, path)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(bin)
}
