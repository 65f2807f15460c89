// Command siemfeed is the operator's tool for the functions of this bundle:
// it shows them at work, runs and backfills them, and proves what they did.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/siemfeed/siemfeed/pkg/config"
	"github.com/siemfeed/siemfeed/pkg/progress"
	"github.com/siemfeed/siemfeed/pkg/version"
)

// cli is the command line.
type cli struct {
	Version kong.VersionFlag `help:"Print the version and end." short:"V"`
	EnvFile string           `help:"Take variables from this file (NAME=value lines), over those of the environment." type:"existingfile" placeholder:"FILE" env:"SIEMFEED_ENV_FILE"`

	Output string `help:"text, or json: one document on standard output, as scripts/siemfeed/README.md describes it." short:"o" enum:"text,json" default:"text"`
	Quiet  bool   `help:"Print no text on standard output, and on the way nothing but warnings and errors: how it ended tells the rest." short:"q"`

	Demo       demoCmd       `cmd:"" help:"Show the functions at work on this machine, against emulated services."`
	Run        perFunction   `cmd:"" help:"Run a function once, or again and again, with the configuration of the environment."`
	Backfill   perFunction   `cmd:"" help:"Deliver a span of the past. Interrupted, it goes on where it was."`
	Status     statusCmd     `cmd:"" help:"Show how the functions fare, from STATE_URL alone: last success, lag, quarantine, last proof, what to do next."`
	Report     reportCmd     `cmd:"" help:"Write the proof page: what arrived, day by day, and what says so."`
	Attest     attestCmd     `cmd:"" help:"Sign what arrived, and check what was signed."`
	Verify     perFunction   `cmd:"" help:"Prove that everything arrived: name every gap, missing or altered object."`
	Env        envCmd        `cmd:"" help:"Print an env file of all variables of a function, to fill in."`
	Doctor     perFunction   `cmd:"" help:"Check credentials, permissions, clock and buckets, and say how to mend what is wrong."`
	Replay     perFunction   `cmd:"" help:"Take what was put into quarantine once more."`
	Quarantine quarantineCmd `cmd:"" help:"List and show what was rejected and not replayed."`
	Prune      perFunction   `cmd:"" help:"Remove proof that is older than is kept, and nothing that is still needed."`
	Emulate    emulateCmd    `cmd:"" help:"Serve an emulated service on this machine."`
	Completion completionCmd `cmd:"" help:"Print what has a shell complete command lines: source <(siemfeed completion bash)."`
	Complete   completeCmd   `cmd:"" hidden:""`
	Serve      perFunction   `cmd:"" help:"Serve a function over HTTP, as it is deployed." hidden:""`

	stdout    io.Writer        // for what was asked for, see show
	shown     answer           // that waits for how the command ends
	printed   bool             // what was asked for is printed as JSON, as a list is
	stderr    io.Writer        // for what is said on the way
	screen    *progress.Screen // what stderr is
	live      bool             // it is a terminal
	functions []function
	function  *function // that the command bears the name of, if it does
	closing   []func()
}

// newCLI is the command line with what can be done with each of the functions.
func newCLI(functions []function, stdout, stderr io.Writer) *cli {
	screen := newScreen(stderr)
	c := &cli{functions: functions, stdout: stdout, stderr: screen, screen: screen, live: isTerminal(stderr)}
	for _, f := range functions {
		c.Run.add(f.name, f.run)
		c.Backfill.add(f.name, f.backfill)
		c.Verify.add(f.name, f.verify)
		c.Doctor.add(f.name, f.doctor)
		c.Replay.add(f.name, f.replay)
		c.Prune.add(f.name, f.prune)
		c.Serve.add(f.name, command{"", &serveFunction{}})
	}
	return c
}

// What the process ends with, so that a schedule of the operator's can tell a
// finding from a check that could not be made.
const (
	exitDone = iota
	exitFindings
	exitFailed // or the command line was wrong
)

// exits are the words for these.
var exits = []string{exitDone: "done", exitFindings: "findings", exitFailed: "failed"}

// exitOf is what to end with after err.
func exitOf(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFindings):
		return exitFindings
	}
	return exitFailed
}

// errFindings ends the process with exitFindings after a report has said why.
var errFindings = errors.New("findings")

// note says something on the way, in a line beside what was asked for.
func (c *cli) note(format string, args ...any) { _, _ = fmt.Fprintf(c.stderr, format+"\n", args...) }

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := siemfeed(ctx, functions(), os.Stdout, os.Stderr, os.Args[1:])
	cancel()
	os.Exit(code)
}

// siemfeed carries out the command line args, which may be about any of the
// functions, and returns what to end with.
func siemfeed(ctx context.Context, functions []function, stdout, stderr io.Writer, args []string) int {
	c := newCLI(functions, stdout, stderr)
	told := false // what was asked for with --help or --version
	parser := kong.Must(c,
		kong.Name("siemfeed"),
		kong.Description("Carry security logs to where a SIEM reads them, and prove that nothing was lost. Ends with 0 if all is done, 1 if there are findings, 2 if it failed."),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { told = true }),
		kong.Vars{"version": version.String()},
		kong.TypeMapper(reflect.TypeFor[time.Time](), kong.MapperFunc(decodeTime)),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(c),
	)
	k, err := parser.Parse(args)
	if told {
		return exitDone
	}
	if err != nil {
		if asksForJSON(args) {
			c.Output = outputJSON
		}
		return c.end(usageError{err}, "; see siemfeed --help")
	}
	if f, err := c.find(functionName(k.Selected().Name)); err == nil {
		c.function = f
		k.Bind(f)
	}
	err = k.Run()
	c.close()
	return c.end(err, "")
}

// end says how the command ended, and returns what the process is to end with.
func (c *cli) end(err error, hint string) int {
	if printing := c.finish(err); printing != nil {
		err = printing
	}
	if exitOf(err) == exitFailed {
		if faults := (config.Faults)(nil); errors.As(err, &faults) && c.EnvFile == "" {
			hint = "\nvariables are the environment's, or those of --env-file FILE: siemfeed env FUNCTION prints one to fill in"
		}
		if missing := `"<function>"`; strings.HasSuffix(err.Error(), missing) {
			hint = ", one of " + c.known() + hint
		}
		text := strings.ReplaceAll(err.Error(), context.Canceled.Error(), "interrupted")
		c.note("siemfeed: %s%s", text, hint)
	}
	return exitOf(err)
}
