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

// operator is the operator's command, which people and jobs run: scripts/siemfeed.
const operator = "siemfeed"

// platform is what a program runs on, as Go names it. A function runs on Linux, on
// the processors that hosts have; the operator's command on macOS, too.
type platform struct{ os, arch string }

var (
	linuxAMD  = platform{"linux", "amd64"}
	linuxARM  = platform{"linux", "arm64"}
	darwinAMD = platform{"darwin", "amd64"}
	darwinARM = platform{"darwin", "arm64"}
)

func (p platform) String() string { return p.os + "/" + p.arch }

// parsePlatform returns what text such as linux/amd64 names.
func parsePlatform(text string) (platform, bool) {
	for _, p := range []platform{linuxAMD, linuxARM, darwinAMD, darwinARM} {
		if p.String() == text {
			return p, true
		}
	}
	return platform{}, false
}

// compile returns the program of the function called name, linked statically.
func (m module) compile(ctx context.Context, name string, p platform) ([]byte, error) {
	if err := m.checkFunction(name); err != nil {
		return nil, err
	}
	return m.build(ctx, "./functions/"+name+"/cmd/"+name, p)
}

// program is [module.compile], and knows the operator's command, too.
func (m module) program(ctx context.Context, name string, p platform) ([]byte, error) {
	if name == operator {
		return m.build(ctx, "./scripts/"+operator, p)
	}
	return m.compile(ctx, name, p)
}

// build returns the program that the package at path is. Several formats have the
// same one: it is linked once.
func (m module) build(ctx context.Context, path string, p platform) (_ []byte, err error) {
	key := p.String() + " " + path
	if program := m.built[key]; program != nil {
		return program, nil
	}
	tmp, err := os.MkdirTemp("", "package-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	bin := filepath.Join(tmp, filepath.Base(path))
	_, err = goCommand(ctx, m.Dir, []string{"GOOS=" + p.os, "GOARCH=" + p.arch, "GOFLAGS=" + programFlags},
		"build", "-trimpath", "-buildvcs=false", "-ldflags", linkFlags+m.stampFlag(), "-o", bin, path)
	if err != nil {
		return nil, err
	}
	m.built[key], err = os.ReadFile(bin)
	return m.built[key], err
}
