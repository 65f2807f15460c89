// Command siemfeed is the operator's tool for the functions of this bundle:
// it shows them at work, runs and backfills them, and proves what they did.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/siemfeed/siemfeed/pkg/version"
)

// cli is the command line.
type cli struct {
	Version kong.VersionFlag `help:"Print the version and end." short:"V"`
	EnvFile string           `help:"Take variables from this file (NAME=value lines), over those of the environment." type:"existingfile" placeholder:"FILE" env:"SIEMFEED_ENV_FILE"`

	Demo       demoCmd       `cmd:"" help:"Show the functions at work on this machine, against emulated services."`
	Run        runCmd        `cmd:"" help:"Run a function once, or again and again, with the configuration of the environment."`
	Backfill   backfillCmd   `cmd:"" help:"Deliver a span of the past. Interrupted, it goes on where it was."`
	Status     statusCmd     `cmd:"" help:"Show how the functions fare, from STATE_URL alone: last success, lag, quarantine, last proof, what to do next."`
	Report     reportCmd     `cmd:"" help:"Write the proof page: what arrived, day by day, and what says so."`
	Attest     attestCmd     `cmd:"" help:"Sign what arrived, and check what was signed."`
	Verify     verifyCmd     `cmd:"" help:"Prove that everything arrived: name every gap, missing or altered object."`
	Env        envCmd        `cmd:"" help:"Print an env file of all variables of a function, to fill in."`
	Doctor     doctorCmd     `cmd:"" help:"Check credentials, permissions, clock and buckets, and say how to mend what is wrong."`
	Replay     replayCmd     `cmd:"" help:"Take what was put into quarantine once more."`
	Quarantine quarantineCmd `cmd:"" help:"List and show what was rejected and not replayed."`
	Prune      pruneCmd      `cmd:"" help:"Remove proof that is older than is kept, and nothing that is still needed."`
	Emulate    emulateCmd    `cmd:"" help:"Serve an emulated service on this machine."`
	Serve      serveCmd      `cmd:"" help:"Serve a function over HTTP, as it is deployed." hidden:""`

	function functionName // that the command is about, if it is about one
	closing  []func()
}

// functionName names the function that a command is about.
type functionName string

// What the process ends with, so that a schedule of the operator's can tell a
// finding from a check that could not be made.
const (
	exitDone = iota
	exitFindings
	exitFailed // or the command line was wrong
)

// errFindings ends the process with exitFindings after a report has said why.
var errFindings = errors.New("findings")

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:])
	cancel()
	os.Exit(code)
}

// command carries out the command line args and returns what to end with.
func command(ctx context.Context, args []string) int {
	var c cli
	parser := kong.Must(&c,
		kong.Name("siemfeed"),
		kong.Description("Carry security logs to where a SIEM reads them, and prove that nothing was lost. Ends with 0 if all is done, 1 if there are findings, 2 if it failed."),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true}),
		kong.Vars{"version": version.String()},
		kong.TypeMapper(reflect.TypeFor[time.Time](), kong.MapperFunc(decodeTime)),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&c),
	)
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "siemfeed: %v; see siemfeed --help\n", err)
		return exitFailed
	}
	// The commands of a function bear its name: run muleaudit, serve muleaudit.
	c.function = functionName(k.Selected().Name)
	k.Bind(c.function)
	err = k.Run()
	c.close()
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFindings):
		return exitFindings
	}
	fmt.Fprintf(os.Stderr, "siemfeed: %v\n", err)
	return exitFailed
}
