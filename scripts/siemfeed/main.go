// Command siemfeed is the operator's tool for the functions of this bundle:
// it shows them at work, runs and backfills them, and proves what they did.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line.
type cli struct {
	EnvFile string `help:"Take variables from this file (NAME=value lines), over those of the environment." type:"existingfile" placeholder:"FILE" env:"SIEMFEED_ENV_FILE"`

	Demo     demoCmd     `cmd:"" help:"Show the functions at work on this machine, against emulated services."`
	Run      runCmd      `cmd:"" help:"Run a function once, or again and again, with the configuration of the environment."`
	Backfill backfillCmd `cmd:"" help:"Deliver a span of the past. Interrupted, it goes on where it was."`
	Verify   verifyCmd   `cmd:"" help:"Prove that everything arrived: name every gap, missing or altered object."`
	Doctor   doctorCmd   `cmd:"" help:"Check credentials, permissions, clock and buckets, and say how to mend what is wrong."`
	Replay   replayCmd   `cmd:"" help:"Take what was put into quarantine once more."`
	Emulate  emulateCmd  `cmd:"" help:"Serve an emulated service on this machine."`
	Serve    serveCmd    `cmd:"" help:"Serve a function over HTTP, as it is deployed." hidden:""`

	function functionName // that the command is about, if it is about one
	closing  []func()
}

// functionName names the function that a command is about.
type functionName string

// errFindings ends the process with status 1 after a report has said why.
var errFindings = errors.New("findings")

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	var c cli
	k := kong.Parse(&c,
		kong.Name("siemfeed"),
		kong.Description("Carry security logs to where a SIEM reads them, and prove that nothing was lost."),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&c),
	)
	// The commands of a function bear its name: run muleaudit, serve muleaudit.
	c.function = functionName(k.Selected().Name)
	k.Bind(c.function)
	err := k.Run()
	c.close()
	if err != nil {
		if !errors.Is(err, errFindings) {
			fmt.Fprintf(os.Stderr, "siemfeed: %v\n", err)
		}
		cancel()
		os.Exit(1) //nolint:gocritic // cancel ran
	}
}
