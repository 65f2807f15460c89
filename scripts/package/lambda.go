package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// lambdaFlags are buildFlags, and leave out of aws-lambda-go what only the
// retired runtime go1.x needs (aws-lambda-go, README.md).
const lambdaFlags = buildFlags + ",lambda.norpc"

// bootstrap returns what builds a function for AWS Lambda on processors of
// arch: a zip archive with the program bootstrap at its root
// (docs.aws.amazon.com/lambda/latest/dg/golang-package.html).
func bootstrap(arch string) func(context.Context, module, string) ([]byte, error) {
	return func(ctx context.Context, m module, name string) (_ []byte, err error) {
		if err := m.checkFunction(name); err != nil {
			return nil, err
		}
		tmp, err := os.MkdirTemp("", "package-")
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
		bin := filepath.Join(tmp, "bootstrap")
		_, err = goCommand(ctx, m.Dir, []string{"GOARCH=" + arch, "GOFLAGS=" + lambdaFlags},
			"build", "-trimpath", "-buildvcs=false", "-ldflags", linkFlags, "-o", bin, "./functions/"+name+"/cmd/"+name)
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(bin)
		if err != nil {
			return nil, err
		}
		license, err := m.read("LICENSE")
		if err != nil {
			return nil, err
		}
		return archive([]file{{name: "bootstrap", data: data, executable: true}, license})
	}
}
