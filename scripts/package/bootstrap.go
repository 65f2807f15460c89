package main

import "context"

// bootstrap builds a function for hosts that start the program bootstrap at the
// root of a zip archive: AWS Lambda
// (docs.aws.amazon.com/lambda/latest/dg/golang-package.html) and the custom
// runtime of Function Compute (alibabacloud.com/help/en/functioncompute,
// "Principles" of custom runtimes).
func bootstrap(ctx context.Context, m module, name string, on []platform) ([]byte, error) {
	program, err := m.compile(ctx, name, on[0])
	if err != nil {
		return nil, err
	}
	return bootstrapArchive(m, program)
}

func bootstrapArchive(m module, program []byte) ([]byte, error) {
	license, err := m.read("LICENSE")
	if err != nil {
		return nil, err
	}
	return zipArchive([]file{{name: "bootstrap", data: program, executable: true}, license}, m.time)
}
