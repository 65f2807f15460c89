package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// target is one file that a kind of host is given for a function.
type target struct {
	suffix string // of the file's name, after the function's
	build  builder
	on     []platform // that its programs are for; none for source
}

// builder makes the file of a function, for some platforms of its target.
type builder func(ctx context.Context, m module, name string, on []platform) ([]byte, error)

// formats has the kinds of hosts by name.
var formats = map[string][]target{
	"gcf": {{".zip", buildpackSource, nil}},
	"lambda": {
		{"-lambda-arm64.zip", bootstrap, []platform{linuxARM}},
		{"-lambda-amd64.zip", bootstrap, []platform{linuxAMD}},
	},
	"fc":  {{"-fc.zip", bootstrap, []platform{linuxAMD}}},
	"oci": {{"-oci.tar", images, []platform{linuxAMD, linuxARM}}},
	"command": {
		{"-linux-amd64.tar.gz", commandArchive, []platform{linuxAMD}},
		{"-linux-arm64.tar.gz", commandArchive, []platform{linuxARM}},
		{"-darwin-amd64.tar.gz", commandArchive, []platform{darwinAMD}},
		{"-darwin-arm64.tar.gz", commandArchive, []platform{darwinARM}},
	},
}

const usage = `usage: package [-o dir] [-format gcf|lambda|fc|oci|command,...] function ...

Writes what a host is given to run each function, named as in functions/.

gcf    dir/<function>.zip: source for Google's Go buildpack. Deploy it with the
       function's name as entry point (FUNCTION_TARGET), and with these build
       environment variables, which take a third off the binary:
         GOFLAGS=` + buildFlags + `
         GOOGLE_GOLDFLAGS=` + linkFlags + `
       In Terraform they belong to build_config.environment_variables, for
       gcloud to --set-build-env-vars. Builds that read a project descriptor
       find them in the archive's project.toml.

lambda dir/<function>-lambda-arm64.zip and -amd64.zip: the built function for
       AWS Lambda's runtime provided.al2023, any handler name.

fc     dir/<function>-fc.zip: the built function for a custom runtime of
       Function Compute (custom.debian12), without a start command; it listens
       where the function's port is set, 9000 by default.

oci    dir/<function>-oci.tar: container images for amd64 and arm64, for Cloud
       Run, Kubernetes or a virtual machine: the program, Mozilla's root
       certificates and no more, run as user ` + nobody + `.
         docker load -i <file>        siemfeed/<function>:amd64 and :arm64, or
                                      :latest where containerd keeps the images
         skopeo copy --all oci-archive:<file> docker://<registry>/<name>:<tag>
       The function "siemfeed" is the operator's command, for jobs.

command dir/siemfeed-linux-amd64.tar.gz, -linux-arm64, -darwin-amd64 and
       -darwin-arm64: the operator's command for people, of the function
       "siemfeed".

Files in archives have the time that SOURCE_DATE_EPOCH tells, or one that never
changes.

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
	kinds := flags.String("format", "gcf", "what to write, comma-separated")
	platforms := flags.String("platforms", "", "leave out what is for other platforms than these, such as linux/amd64,linux/arm64")
	version := flags.String("version", "", "release that what is built says it is, such as v1.2.3")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var targets []target
	for kind := range strings.SplitSeq(*kinds, ",") {
		of, ok := formats[kind]
		if !ok {
			return fmt.Errorf("unknown format %q: -help lists them", kind)
		}
		targets = append(targets, of...)
	}
	targets, err := onlyOn(targets, *platforms)
	if err != nil {
		return err
	}
	if err := checkVersion(*version); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return errors.New("name a function")
	}
	m, err := findModule(ctx)
	if err != nil {
		return err
	}
	m.version = *version
	if m.time, err = archiveTime(); err != nil {
		return err
	}
	for _, name := range flags.Args() {
		clear(m.built) // programs are large, and no other name has these
		for _, t := range targets {
			data, err := t.build(ctx, m, name, t.on)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			path := filepath.Join(*dir, name+t.suffix)
			if err := write(path, data); err != nil {
				return err
			}
			if _, err := fmt.Fprintf(out, "%s: %d KiB\n", path, (len(data)+1023)/1024); err != nil {
				return err
			}
		}
	}
	return nil
}

// onlyOn returns what is for one of the platforms that text lists, and for it alone;
// all if it lists none.
func onlyOn(targets []target, text string) ([]target, error) {
	if text == "" {
		return targets, nil
	}
	wanted := map[platform]bool{}
	for one := range strings.SplitSeq(text, ",") {
		p, ok := parsePlatform(one)
		if !ok {
			return nil, fmt.Errorf("platform %q: nothing is for it", one)
		}
		wanted[p] = true
	}
	var some []target
	for _, t := range targets {
		all := t.on
		t.on = slices.DeleteFunc(slices.Clone(all), func(p platform) bool { return !wanted[p] })
		if len(all) == 0 || len(t.on) > 0 {
			some = append(some, t)
		}
	}
	return some, nil
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
