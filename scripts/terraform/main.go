package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// root is terraform/ as seen from this module.
const root = "../../terraform"

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "terraform:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 || args[0] != "docs" {
		return errors.New("usage: terraform docs [-check]")
	}
	flags := flag.NewFlagSet("docs", flag.ContinueOnError)
	flags.SetOutput(out)
	check := flags.Bool("check", false, "write nothing, and fail if something would be written")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	dirs, err := directories(root)
	if err != nil {
		return err
	}
	var stale []error
	for _, dir := range dirs {
		changed, err := document(dir, !*check)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", dir, err)
		case changed && *check:
			stale = append(stale, fmt.Errorf("%s/README.md is not what the code gives: run make docs", dir))
		case changed:
			_, _ = fmt.Fprintln(out, dir+"/README.md")
		}
	}
	return errors.Join(stale...)
}
