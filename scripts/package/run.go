package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// format is what one kind of host is given.
type format struct {
	ext   string // of the file's name
	build func(context.Context, module, string) ([]byte, error)
}

// formats by name.
var formats = map[string]format{
	"gcf": {".zip", buildpackSource},
}

const usage = `usage: package [-o dir] [-format gcf] function ...

Writes what a host is given to run each function, named as in functions/.

gcf    dir/<function>.zip: source for Google's Go buildpack. Deploy it with the
       function's name as entry point (FUNCTION_TARGET), and with these build
       environment variables, which take a third off the binary:
         GOFLAGS=` + buildFlags + `
         GOOGLE_GOLDFLAGS=` + linkFlags + `
       In Terraform they belong to build_config.environment_variables, for
       gcloud to --set-build-env-vars. Builds that read a project descriptor
       find them in the archive's project.toml.

`

// run packages the functions that args name.
func run(ctx context.Context, args []string, out, help io.Writer) error {
	flags := flag.NewFlagSet("package", flag.ContinueOnError)
	flags.SetOutput(help)
	flags.Usage = func() {
		_, _ = fmt.Fprint(help, usage)
		flags.PrintDefaults()
	}
	dir := flags.String("o", "dist", "folder to write to")
	kind := flags.String("format", "gcf", "what to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, ok := formats[*kind]
	if !ok {
		return fmt.Errorf("unknown format %q: -help lists them", *kind)
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return errors.New("name a function")
	}
	m, err := findModule(ctx)
	if err != nil {
		return err
	}
	for _, name := range flags.Args() {
		data, err := f.build(ctx, m, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		path := filepath.Join(*dir, name+f.ext)
		if err := write(path, data); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s: %d KiB\n", path, (len(data)+1023)/1024); err != nil {
			return err
		}
	}
	return nil
}

// write replaces a file as a whole, so that a deployment never finds half of it.
func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	part := path + ".part"
	if err := os.WriteFile(part, data, 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}
