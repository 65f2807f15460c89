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

// compile returns the program of the function called name, for Linux on
// processors of arch, linked statically.
func (m module) compile(ctx context.Context, name, arch string) (_ []byte, err error) {
	if err := m.checkFunction(name); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "package-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	bin := filepath.Join(tmp, name)
	_, err = goCommand(ctx, m.Dir, []string{"GOARCH=" + arch, "GOFLAGS=" + programFlags},
		"build", "-trimpath", "-buildvcs=false", "-ldflags", linkFlags, "-o", bin, "./functions/"+name+"/cmd/"+name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(bin)
}
