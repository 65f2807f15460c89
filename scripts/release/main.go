package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// options are what the commands are told.
type options struct {
	source    string // root of the checkout
	out       string // folder of the release's files
	dirty     bool
	key       string
	functions string
	platforms string
	with      string
	cold      bool
	to        string
}

// commands are what can be done.
var commands = map[string]func(context.Context, options, io.Writer) error{
	"build": build,
	"check": check,
	"push":  push,
}

// run carries out a command line.
func run(ctx context.Context, args []string, out io.Writer) error {
	var name string
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	command, ok := commands[name]
	if !ok {
		return errors.New("usage: release build|check|push, each with -help")
	}
	var o options
	flags := flag.NewFlagSet("release "+name, flag.ContinueOnError)
	flags.StringVar(&o.source, "source", "../..", "root of the checkout")
	flags.StringVar(&o.out, "dist", "../../dist", "folder of the release's files")
	switch name {
	case "build":
		flags.BoolVar(&o.dirty, "dirty", false, "build changes that no commit has, without provenance")
		fallthrough
	case "check":
		flags.StringVar(&o.key, "key", "", "file with the private key, Ed25519 in PEM; or "+keyVariable+" holds it")
		flags.StringVar(&o.functions, "functions", "", "only these, comma-separated; siemfeed is the operator's command")
		flags.StringVar(&o.platforms, "platforms", "", "only for these, such as linux/amd64,linux/arm64")
	case "push":
		flags.StringVar(&o.to, "to", "", "registry, and path of the images below it; "+userVariable+" and "+passwordVariable+" log in, or what docker login left")
	}
	if name == "check" {
		flags.StringVar(&o.with, "with", "", "compare one build with the files in this folder, instead of two with each other")
		flags.BoolVar(&o.cold, "cold", false, "compile everything anew")
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	return command(ctx, o, out)
}
