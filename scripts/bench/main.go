// Command bench measures the functions side by side with what they are judged
// against, and prints a table:
//
//	go run ./scripts/bench list
//	go run ./scripts/bench muleaudit
//	go run ./scripts/bench muleaudit/budget slshec
//	go run ./scripts/bench all
//
// A function runs in a process of its own, so that its memory and its processor
// time are told from those of the emulated service. With BENCH_PROFILE=dir that
// process leaves a CPU and a heap profile there. A figure and the one it is
// divided by always come from the same run.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, suites(), os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
