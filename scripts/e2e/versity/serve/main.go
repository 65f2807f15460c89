// Command serve runs versitygw on a directory for whoever cannot import it:
//
//	AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_REGION=… serve DIR ADDRESS
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/siemfeed/siemfeed/scripts/e2e/versity"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want a directory and an address")
	}
	return versity.Serve(ctx, args[0], args[1], os.Getenv("AWS_REGION"), os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"))
}
